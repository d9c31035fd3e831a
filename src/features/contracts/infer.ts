import type { Plain } from './rule.ts'
import { SHAPES } from './shapes.ts'
import type { ColumnFacts, TableFacts } from './store.ts'
import type { LogicalType } from './rule.ts'

/** A statement of a proposed contract, with what in the data suggests it. */
export interface Proposed<T> {
  readonly value: T
  readonly why: string
}

export interface ProposedColumn {
  readonly name: string
  readonly physicalType: string
  readonly type: LogicalType | undefined
  readonly required: Proposed<true> | undefined
  readonly unique: Proposed<'key' | 'unique'> | undefined
  readonly minimum: Proposed<number> | undefined
  readonly maximum: Proposed<number> | undefined
  readonly pattern: Proposed<string> | undefined
  readonly length: Proposed<number> | undefined
  readonly values: Proposed<readonly Plain[]> | undefined
  /** The most nulls, in percent. */
  readonly nulls: Proposed<number> | undefined
}

export interface Proposal {
  readonly name: string
  readonly path: string
  readonly rows: number
  readonly columns: readonly ProposedColumn[]
  /** The fewest rows. */
  readonly least: Proposed<number> | undefined
}

/** With fewer rows than this, what is not there says nothing. */
const ROWS_MIN = 20
/** More different values are no closed set. */
const SET_MAX = 20
/** Ranges are wider than the data by this share of its span. */
const SLACK = 0.1

/** A contract that data suggests: the data keeps it, and each statement says why it stands there. */
export function propose(
  facts: TableFacts,
  { name, path }: { name: string; path: string },
): Proposal {
  const { rows } = facts
  let hasKey = false
  const columns = facts.columns.map((column) => {
    const unique = uniqueOf(column, rows, hasKey)
    hasKey ||= unique?.value === 'key'
    return columnOf(column, rows, unique)
  })
  const least = Math.floor(rows / 2)
  return {
    name,
    path,
    rows,
    columns,
    least: least < 1 ? undefined : { value: least, why: `half of the ${rows} rows there are` },
  }
}

function columnOf(
  column: ColumnFacts,
  rows: number,
  unique: ProposedColumn['unique'],
): ProposedColumn {
  const enough = rows >= ROWS_MIN
  const present = rows - column.nulls
  const values = enough && present >= ROWS_MIN ? setOf(column, present) : undefined
  const pattern =
    values === undefined && present >= ROWS_MIN ? patternOf(column, present) : undefined
  return {
    name: column.name,
    physicalType: column.physicalType,
    type: present === 0 ? undefined : column.type,
    required:
      enough && column.nulls === 0
        ? { value: true, why: `none of ${rows} rows is null` }
        : undefined,
    unique,
    ...rangeOf(column, present, unique !== undefined),
    pattern,
    length:
      values === undefined && pattern === undefined && unique === undefined
        ? lengthOf(column, present)
        : undefined,
    values,
    nulls: enough && present > 0 ? nullsOf(column, rows) : undefined,
  }
}

function uniqueOf(column: ColumnFacts, rows: number, hasKey: boolean): ProposedColumn['unique'] {
  const isNamed = /(^|[_\s-])(id|key|uuid|guid|code)$|Id$|ID$/.test(column.name)
  const isKeyLike = column.type === 'integer' || column.type === 'string'
  if (rows < ROWS_MIN || !isKeyLike || column.nulls > 0 || column.distinct !== rows)
    return undefined
  if (!isNamed && !column.shapes.includes('uuid')) return undefined
  const why = `${rows} rows hold ${rows} different values`
  return { value: hasKey ? 'unique' : 'key', why }
}

function rangeOf(
  column: ColumnFacts,
  present: number,
  isKey: boolean,
): Pick<ProposedColumn, 'minimum' | 'maximum'> {
  const { min, max, type, nan, infinite } = column
  const none = { minimum: undefined, maximum: undefined }
  if (type !== 'integer' && type !== 'number') return none
  if (isKey || present < ROWS_MIN || nan > 0 || infinite > 0) return none
  if (typeof min !== 'number' || typeof max !== 'number') return none
  if (!isExact(min, type) || !isExact(max, type)) return none
  const slack = (max - min) * SLACK
  const low = min >= 0 ? Math.max(0, min - slack) : min - slack
  const high = max <= 0 ? Math.min(0, max + slack) : max + slack
  if (!Number.isFinite(low) || !Number.isFinite(high)) return none
  return {
    minimum: { value: rounded(low, slack, type, 'down'), why: `the least is ${min}` },
    maximum: { value: rounded(high, slack, type, 'up'), why: `the most is ${max}` },
  }
}

function isExact(value: number, type: LogicalType): boolean {
  return type !== 'integer' || Number.isSafeInteger(value)
}

/** A bound that people can read, never inside of the data. */
function rounded(value: number, slack: number, type: LogicalType, way: 'up' | 'down'): number {
  const round = way === 'up' ? Math.ceil : Math.floor
  if (type === 'integer') return round(value)
  if (slack === 0) return value
  const step = 10 ** Math.floor(Math.log10(slack))
  const near = Number((round(value / step) * step).toPrecision(12))
  return Number.isFinite(near) && (way === 'up' ? near >= value : near <= value) ? near : value
}

function setOf(column: ColumnFacts, present: number): ProposedColumn['values'] {
  const { values, type } = column
  if (type !== 'string' || values === null || values.length === 0) return undefined
  if (values.length > SET_MAX || values.length > present / 2) return undefined
  const rarest = values.at(-1)
  return {
    value: values.map(({ value }) => value).toSorted((one, other) => (one < other ? -1 : 1)),
    why: `${present} values are these ${values.length}; the rarest stands ${rarest?.rows ?? 0} times`,
  }
}

function patternOf(column: ColumnFacts, present: number): ProposedColumn['pattern'] {
  const [shape] = column.shapes
  const pattern = shape === undefined ? undefined : SHAPES[shape]
  return pattern === undefined
    ? undefined
    : { value: pattern, why: `all of ${present} values look like ${shape}` }
}

function lengthOf(column: ColumnFacts, present: number): ProposedColumn['length'] {
  const { minLength, maxLength } = column
  if (minLength === null || minLength !== maxLength || present < ROWS_MIN) return undefined
  return { value: minLength, why: `all of ${present} values have ${minLength} characters` }
}

function nullsOf(column: ColumnFacts, rows: number): ProposedColumn['nulls'] {
  if (column.nulls === 0) return undefined
  const share = column.nulls / rows
  const most = 100 * (share + 3 * Math.sqrt((share * (1 - share)) / rows))
  return {
    value: Math.min(100, Math.ceil(most * 10) / 10),
    why: `${column.nulls} of ${rows} rows are null, and three standard deviations more`,
  }
}
