import { Problem } from '#base/problem'
import type { LoggedColumn, LoggedType, PlainType } from '#tables'
import type { Snapshot } from './log.ts'

/** Features of readers that change nothing for who only reads rows, and those that are done here. */
const KNOWN_FEATURES = new Set([
  'timestampNtz',
  'v2Checkpoint',
  'vacuumProtocolCheck',
  'deletionVectors',
  'columnMapping',
  'typeWidening',
  'typeWidening-preview',
  // Says that there may be columns of this type, which `typeOf` refuses where there is one. deltalake always says it.
  'variantType',
  'variantType-preview',
  'variantShredding-preview',
])

/** Throws a `Problem` for a table that this reader would misread. */
export function checkReadable(table: string, { protocol, metadata }: Snapshot): void {
  if (protocol.minReaderVersion > 3 || protocol.minReaderVersion < 1)
    throw new Problem(
      'unsupported',
      `${table} asks for readers of version ${protocol.minReaderVersion} of Delta's protocol; orrery reads up to 3`,
    )
  const unknown =
    protocol.minReaderVersion < 3
      ? []
      : protocol.readerFeatures.filter((feature) => !KNOWN_FEATURES.has(feature))
  if (unknown.length > 0)
    throw new Problem(
      'unsupported',
      `${table} uses ${unknown.join(', ')} of Delta's protocol, which orrery does not read`,
    )
  if (metadata.format !== 'parquet')
    throw new Problem(
      'unsupported',
      `${table} keeps its rows as ${metadata.format}, not as parquet`,
    )
}

interface Field {
  readonly name: string
  readonly type: unknown
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** The columns that a snapshot's schema says, with the names that its files have them by. */
export function columnsOf(table: string, { metadata }: Snapshot): LoggedColumn[] {
  const mode = metadata.configuration['delta.columnMapping.mode'] ?? 'none'
  if (!['none', 'name', 'id'].includes(mode))
    throw new Problem(
      'unsupported',
      `${table} maps its columns by ${mode}, which orrery does not know`,
    )
  let schema: { fields?: readonly Field[] }
  try {
    schema = JSON.parse(metadata.schemaString) as typeof schema
  } catch {
    throw new Problem('invalid', `the log of ${table} has a schema that is no JSON`)
  }
  return fieldsOf(schema.fields ?? [], { table, mode })
}

interface Within {
  readonly table: string
  readonly mode: string
}

function fieldsOf(fields: readonly Field[], within: Within): LoggedColumn[] {
  return fields.map(({ name, type, metadata = {} }) => {
    const physical =
      within.mode === 'none' ? undefined : metadata['delta.columnMapping.physicalName']
    return {
      name,
      ...(within.mode === 'id' ? { id: idOf(name, metadata, within) } : {}),
      physical: typeof physical === 'string' ? physical : name,
      type: typeOf(type, within),
    }
  })
}

/** Files have columns by these numbers, whatever they call them. */
function idOf(
  name: string,
  metadata: Readonly<Record<string, unknown>>,
  { table }: Within,
): number {
  const id = metadata['delta.columnMapping.id']
  if (typeof id === 'number' && Number.isInteger(id)) return id
  throw new Problem(
    'invalid',
    `${table} maps its columns by id, and its log says no id of ${name} (delta.columnMapping.id)`,
  )
}

const PLAIN: readonly PlainType[] = [
  ...(['string', 'byte', 'short', 'integer', 'long', 'float', 'double', 'boolean'] as const),
  ...(['binary', 'date', 'timestamp', 'timestamp_ntz'] as const),
]

function typeOf(type: unknown, within: Within): LoggedType {
  if (typeof type === 'string') {
    const plain = PLAIN.find((each) => each === type)
    if (plain !== undefined) return { kind: 'plain', name: plain }
    const decimal = /^decimal(?:\((\d+)\s*,\s*(-?\d+)\))?$/.exec(type)
    if (decimal !== null)
      return {
        kind: 'decimal',
        precision: Number(decimal[1] ?? 10),
        scale: Number(decimal[2] ?? 0),
      }
  } else if (typeof type === 'object' && type !== null) {
    const nested = type as Record<string, unknown>
    if (nested['type'] === 'array')
      return { kind: 'list', of: typeOf(nested['elementType'], within) }
    if (nested['type'] === 'map')
      return {
        kind: 'map',
        key: typeOf(nested['keyType'], within),
        value: typeOf(nested['valueType'], within),
      }
    if (nested['type'] === 'struct')
      return { kind: 'struct', fields: fieldsOf((nested['fields'] ?? []) as Field[], within) }
  }
  throw new Problem(
    'unsupported',
    `${within.table} has a column of the type ${JSON.stringify(type)}, which orrery does not read`,
  )
}
