import { extname, resolve } from 'node:path'
import { Problem } from '#base/problem'
import { sql, type Sql } from '../sql.ts'

export type TableFormat = 'parquet' | 'csv' | 'json'

/** Files of rows, all of one format. */
export interface Source {
  readonly files: readonly string[]
  readonly format: TableFormat
  /** Columns that are texts whatever they look like: 007 is no number there. */
  readonly texts: readonly string[]
}

const FORMATS: Readonly<Record<string, TableFormat>> = {
  '.parquet': 'parquet',
  '.csv': 'csv',
  '.tsv': 'csv',
  '.json': 'json',
  '.jsonl': 'json',
  '.ndjson': 'json',
}

/** The format that a file's ending says; undefined for other files. */
export function formatOf(file: string): TableFormat | undefined {
  return FORMATS[extname(file.replace(/\.gz$/, '')).toLowerCase()]
}

/** The rows of files, as a table; with columns, their types are known and not guessed again. */
export function readerOf(
  { format, texts }: Source,
  files: readonly string[],
  columns?: readonly { name: string; type: string }[],
): Sql {
  // A path without a folder could read as the address of a remote object.
  const paths = files.map((file) => resolve(file))
  if (format === 'parquet')
    return sql`read_parquet(${paths}, union_by_name = true, hive_partitioning = false)`
  const reader = format === 'csv' ? 'read_csv' : 'read_json'
  const types =
    columns ?? (format === 'csv' ? texts.map((name) => ({ name, type: 'VARCHAR' })) : [])
  const known =
    types.length === 0 ? '' : `, ${format === 'csv' ? 'types' : 'columns'} = ${structOf(types)}`
  // Every row is looked at for the types: one that is different later would else end the work in its middle.
  const guess = columns === undefined || format === 'csv' ? ', sample_size = -1' : ''
  const tail = `, union_by_name = true${guess}${known})`
  return { parts: [`${reader}(`, tail], values: [paths] }
}

function structOf(columns: readonly { name: string; type: string }[]): string {
  return `{${columns.map(({ name, type }) => `${quoted(name)}: ${quoted(type)}`).join(', ')}}`
}

function quoted(text: string): string {
  if (text.includes('\0')) throw new Problem('invalid', 'a column name has a NUL character')
  return `'${text.replaceAll("'", "''")}'`
}
