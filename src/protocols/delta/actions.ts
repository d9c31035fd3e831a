/** What a log says of one file: it is there. */
export interface AddedFile {
  readonly path: string
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly size: number
  readonly deletionVector: DeletionVector | undefined
}

export interface DeletionVector {
  readonly storageType: string
  readonly pathOrInlineDv: string
  readonly offset: number | undefined
  readonly sizeInBytes: number
  readonly cardinality: number
}

export interface Protocol {
  readonly minReaderVersion: number
  readonly readerFeatures: readonly string[]
}

export interface Metadata {
  readonly id: string
  readonly schemaString: string
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  readonly format: string
}

/** An action of the log as far as a reader needs it. */
export type Action =
  | { readonly kind: 'add'; readonly file: AddedFile }
  | { readonly kind: 'remove'; readonly key: string }
  | { readonly kind: 'protocol'; readonly protocol: Protocol }
  | { readonly kind: 'metadata'; readonly metadata: Metadata }
  | { readonly kind: 'commit'; readonly inCommitTimestamp: number | undefined }
  | { readonly kind: 'sidecar'; readonly path: string }

/** A logical file: the same bytes with other rows deleted are another one. */
export function keyOf(path: string, vector: DeletionVector | undefined): string {
  if (vector === undefined) return path
  const { storageType, pathOrInlineDv, offset } = vector
  return `${path}\n${storageType}${pathOrInlineDv}${offset === undefined ? '' : `@${offset}`}`
}

/** Reads one line of a commit, or one row of a checkpoint; undefined for what no reader needs. */
export function actionOf(entry: unknown): Action | undefined {
  if (!isRecord(entry)) return undefined
  const { add, remove, protocol, metaData, commitInfo, sidecar } = entry
  if (isRecord(add) && typeof add['path'] === 'string')
    return { kind: 'add', file: addedFile(add['path'], add) }
  if (isRecord(remove) && typeof remove['path'] === 'string')
    return { kind: 'remove', key: keyOf(remove['path'], vectorOf(remove['deletionVector'])) }
  if (isRecord(protocol))
    return {
      kind: 'protocol',
      protocol: {
        minReaderVersion: numberOf(protocol['minReaderVersion']) ?? 0,
        readerFeatures: textsOf(protocol['readerFeatures']),
      },
    }
  if (isRecord(metaData)) return { kind: 'metadata', metadata: metadataOf(metaData) }
  if (isRecord(sidecar) && typeof sidecar['path'] === 'string')
    return { kind: 'sidecar', path: sidecar['path'] }
  if (isRecord(commitInfo))
    return { kind: 'commit', inCommitTimestamp: numberOf(commitInfo['inCommitTimestamp']) }
  return undefined
}

function addedFile(path: string, add: Record<string, unknown>): AddedFile {
  return {
    path,
    partitionValues: mapOf(add['partitionValues']),
    size: numberOf(add['size']) ?? 0,
    deletionVector: vectorOf(add['deletionVector']),
  }
}

function vectorOf(value: unknown): DeletionVector | undefined {
  if (!isRecord(value) || typeof value['storageType'] !== 'string') return undefined
  return {
    storageType: value['storageType'],
    pathOrInlineDv: textOf(value['pathOrInlineDv']),
    offset: numberOf(value['offset']),
    sizeInBytes: numberOf(value['sizeInBytes']) ?? 0,
    cardinality: numberOf(value['cardinality']) ?? 0,
  }
}

function metadataOf(value: Record<string, unknown>): Metadata {
  const format = value['format']
  return {
    id: textOf(value['id']),
    schemaString: textOf(value['schemaString']),
    partitionColumns: textsOf(value['partitionColumns']),
    configuration: Object.fromEntries(
      Object.entries(mapOf(value['configuration'])).map(([key, each]) => [key, each ?? '']),
    ),
    format: isRecord(format) ? textOf(format['provider']) : 'parquet',
  }
}

/** A map, as JSON has it, or as a list of pairs, as some readers of Parquet give it. */
function mapOf(value: unknown): Record<string, string | null> {
  const pairs = Array.isArray(value)
    ? value.map((each): [unknown, unknown] => [
        (each as { key: unknown }).key,
        (each as { value: unknown }).value,
      ])
    : isRecord(value)
      ? Object.entries(value)
      : []
  // Without a prototype: a column may be named __proto__.
  const result = Object.create(null) as Record<string, string | null>
  for (const [key, each] of pairs)
    result[textOf(key)] = each === null || each === undefined ? null : textOf(each)
  return result
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(textOf) : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'number' ? value : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
