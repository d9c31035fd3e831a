import type { LogicalType, TableColumn } from '#contracts'

const LOGICAL: readonly [RegExp, LogicalType][] = [
  [/\[\d*\]$/, 'array'],
  [
    /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|UHUGEINT)$/,
    'integer',
  ],
  [/^(FLOAT|DOUBLE|DECIMAL\(.*\))$/, 'number'],
  [/^BOOLEAN$/, 'boolean'],
  [/^DATE$/, 'date'],
  [/^TIMESTAMP/, 'timestamp'],
  [/^TIME/, 'time'],
  [/^(VARCHAR|UUID|BLOB|ENUM\(.*\))$/, 'string'],
  [/^MAP\(/, 'map'],
  [/^(STRUCT|UNION)\(|^JSON$/, 'object'],
]

/** A contract's word for one of the engine's types. */
export function logicalType(physicalType: string): LogicalType | undefined {
  return LOGICAL.find(([shape]) => shape.test(physicalType))?.[1]
}

/** Whether a column of the engine's is of a type that a contract asks for. */
export function isOfType(column: TableColumn, wanted: LogicalType): boolean {
  const { type } = column
  if (type === wanted) return true
  if (wanted === 'number') return type === 'integer'
  if (wanted === 'vector') return type === 'array'
  if (wanted === 'object') return type === 'map'
  // Numbers of a text file are text as well.
  return wanted === 'string' && column.guessed
}

const READ_AS: Readonly<Partial<Record<LogicalType, string>>> = {
  integer: 'hugeint',
  number: 'double',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp',
  time: 'time',
}

/** What texts are read as to become values of a type. */
export function castFor(type: LogicalType): string | undefined {
  return READ_AS[type]
}

export function isFloat(column: TableColumn): boolean {
  return column.physicalType === 'FLOAT' || column.physicalType === 'DOUBLE'
}
