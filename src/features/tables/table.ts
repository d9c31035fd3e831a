import { Problem } from '#base/problem'

export type TableFormat = 'parquet' | 'csv' | 'json'

/** Files that are one table. It says where the bytes lie and how they become columns; an engine reads them. */
export interface Table {
  /** As people name it: a path, with the revision or the version that was asked for. */
  readonly name: string
  readonly format: TableFormat
  /** Each on this machine, all packed alike; none only where a table's own log says so, with its columns. */
  readonly files: readonly TableFile[]
  readonly packing: Packing
  /** Columns whose values the files' places or the table's log say, and not the files. */
  readonly partitions: readonly Partition[]
  /** The columns as the table's own log has them; undefined for what the files say, matched by name. */
  readonly columns: readonly LoggedColumn[] | undefined
  /** The number of the version, of a table that counts its own. */
  readonly version?: number
  /** Equal digests are equal rows. Undefined where nobody measured the files. */
  readonly digest: string | undefined
  readonly sizeBytes: number
}

export type Packing = 'none' | 'gzip' | 'zstd'

export interface TableFile {
  /** Absolute path of the bytes: in the project's folder, or in the cache. */
  readonly path: string
  /** The path that people know it by, below the table's folder. */
  readonly name: string
  /** For each partition the value as text, null for none. */
  readonly values: readonly (string | null)[]
  /** Rows that are no longer there, by their place in the file from 0. */
  readonly deletedRows: Uint32Array | undefined
}

export interface Partition {
  readonly name: string
  readonly type: LoggedType
}

/** A column that a log describes: its name, and the name that the files have it by. */
export interface LoggedColumn {
  readonly name: string
  /** Undefined where no file has it. */
  readonly physical: string | undefined
  /** The number that files have it by, where their names for it do not count. */
  readonly id?: number
  readonly type: LoggedType
}

export type LoggedType =
  | { readonly kind: 'plain'; readonly name: PlainType }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'list'; readonly of: LoggedType }
  | { readonly kind: 'map'; readonly key: LoggedType; readonly value: LoggedType }
  | { readonly kind: 'struct'; readonly fields: readonly LoggedColumn[] }

export type PlainType =
  | 'string'
  | 'byte'
  | 'short'
  | 'integer'
  | 'long'
  | 'float'
  | 'double'
  | 'boolean'
  | 'binary'
  | 'date'
  | 'timestamp'
  | 'timestamp_ntz'

/** A column as the engine names it and its type. */
export interface ColumnInfo {
  readonly name: string
  readonly type: string
}

const FORMATS: Readonly<Record<string, TableFormat>> = {
  parquet: 'parquet',
  csv: 'csv',
  tsv: 'csv',
  json: 'json',
  jsonl: 'json',
  ndjson: 'json',
}

/** The format that a file's name says; undefined for what is no table. */
export function formatOf(name: string): TableFormat | undefined {
  const plain = name.replace(/\.(?:gz|zst)$/i, '')
  const ending = /\.([^./]+)$/.exec(plain)?.[1]?.toLowerCase() ?? ''
  const format = Object.hasOwn(FORMATS, ending) ? FORMATS[ending] : undefined
  // Parquet packs its pages by itself: a packed file of it is no table.
  return format === 'parquet' && plain !== name ? undefined : format
}

export function packingOf(name: string): Packing {
  if (/\.gz$/i.test(name)) return 'gzip'
  return /\.zst$/i.test(name) ? 'zstd' : 'none'
}

/** The one thing that all files are; throws a `Problem` that names two which differ. */
export function theOne<T>(files: readonly { name: string }[], what: (name: string) => T): T {
  const [first] = files
  if (first === undefined) throw new Problem('invalid', 'a table has at least one file')
  const wanted = what(first.name)
  const other = files.find(({ name }) => what(name) !== wanted)
  if (other !== undefined)
    throw new Problem(
      'invalid',
      `${first.name} and ${other.name} are of different formats; name one file, or a folder of files of one format`,
    )
  return wanted
}
