import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import type { Found, FoundFile } from './store.ts'
import {
  formatOf,
  packingOf,
  theOne,
  type LoggedType,
  type Partition,
  type Table,
} from './table.ts'

/** The table that files make: those of a format, in the order of their names, with the columns that folders name. */
export function tableOf(name: string, found: Found): Table {
  const files = rowFiles(name, found)
  const format = theOne(files, formatOf)
  if (format === undefined)
    throw new Problem(
      'unsupported',
      `${name} is no table that can be read; tables are .parquet, .csv, .tsv, .json, .jsonl and .ndjson files`,
    )
  const { partitions, values } = partitionsOf(files.map((file) => file.name))
  return {
    name,
    format,
    packing: theOne(files, packingOf),
    files: files.map((file, index) => ({
      path: file.path,
      name: file.name,
      values: values[index] ?? [],
      deletedRows: undefined,
    })),
    partitions,
    columns: undefined,
    digest: digestOf(format, files),
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
  }
}

/** Of a folder only what is a table; what starts with a dot or an underscore is a note of some tool. */
function rowFiles(name: string, found: Found): readonly FoundFile[] {
  if (found.kind === 'file') return found.files
  const files = found.files
    .filter((file) => formatOf(file.name) !== undefined && !isHidden(file.name))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
  if (files.length === 0)
    throw new Problem(
      'invalid',
      `${name} holds no table; it needs .parquet, .csv, .tsv, .json, .jsonl or .ndjson files`,
    )
  return files
}

function isHidden(name: string): boolean {
  return name.split('/').some((part) => part.startsWith('.') || /^_(?!.*=)/.test(part))
}

/** By what was measured: the same files under another folder are the same table. */
function digestOf(format: string, files: readonly FoundFile[]): string | undefined {
  if (files.some((file) => file.md5 === undefined)) return undefined
  const names = files.length === 1 && !files[0]?.name.includes('=') ? [''] : undefined
  const lines = files.map((file, index) => `${file.md5} ${names?.[index] ?? file.name}`)
  return sha256([format, packingOf(files[0]?.name ?? ''), ...lines].join('\n'))
}

const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__'

/** Columns out of folders that are named `key=value`, as Hive and those after it lay tables out. */
export function partitionsOf(names: readonly string[]): {
  partitions: Partition[]
  values: (string | null)[][]
} {
  const pairs = names.map(
    (name) =>
      new Map(
        name
          .split('/')
          .slice(0, -1)
          .flatMap((part): [string, string | null][] => {
            const match = /^([^=]+)=(.*)$/s.exec(part)
            if (match === null) return []
            const [, key = '', value = ''] = match
            return [[decoded(key), value === HIVE_NULL ? null : decoded(value)]]
          }),
      ),
  )
  const keys = [...new Set(pairs.flatMap((each) => [...each.keys()]))]
  const values = pairs.map((each) => keys.map((key) => each.get(key) ?? null))
  const partitions = keys.map((name, index) => ({
    name,
    type: guessedType(values.map((row) => row[index] ?? null)),
  }))
  return { partitions, values }
}

function guessedType(values: readonly (string | null)[]): LoggedType {
  const known = values.filter((value) => value !== null)
  const all = (pattern: RegExp) => known.length > 0 && known.every((value) => pattern.test(value))
  // A leading zero is a code and no number.
  if (all(/^(?:0|-?[1-9]\d{0,17})$/)) return { kind: 'plain', name: 'long' }
  if (all(/^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/))
    return { kind: 'plain', name: 'date' }
  return { kind: 'plain', name: 'string' }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
