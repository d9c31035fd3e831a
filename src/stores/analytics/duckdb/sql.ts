import { extname, resolve } from 'node:path'
import { invariant } from '#base/invariant'
import { Problem } from '#base/problem'

/** A value that a statement takes as a parameter; a list is a list of one kind. */
export type Bound =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly string[]
  | readonly number[]

/** Text of SQL with the values that belong to it: values never become text. */
export interface Sql {
  readonly parts: readonly string[]
  /** One between each two parts. */
  readonly values: readonly Bound[]
}

/** Builds a statement: a fragment of SQL is taken in as it is, everything else becomes a parameter. */
export function sql(texts: TemplateStringsArray, ...given: readonly (Sql | Bound)[]): Sql {
  const parts: string[] = [texts[0] ?? '']
  const values: Bound[] = []
  for (const [index, each] of given.entries()) {
    const after = texts[index + 1] ?? ''
    if (!isSql(each)) {
      values.push(each)
      parts.push(after)
      continue
    }
    const [first = '', ...rest] = each.parts
    values.push(...each.values)
    parts.push((parts.pop() ?? '') + first, ...rest)
    parts.push((parts.pop() ?? '') + after)
  }
  return { parts, values }
}

/** Fragments with one text between them. */
export function joined(fragments: readonly Sql[], between: ', ' | ' and ' | ' + '): Sql {
  invariant(fragments.length > 0, 'a list of fragments has at least one')
  return fragments.reduce((all, each) => sql`${all}${text(between)}${each}`)
}

/** The name of a column or table, whatever characters it has. */
export function name(identifier: string): Sql {
  return text(`"${identifier.replaceAll('"', '""')}"`)
}

/** A file of rows. Where its path does not show the format by its ending, its name does. */
export type RowFile = string | { readonly path: string; readonly name: string }

/** A text where a statement takes no parameter. */
export function literal(value: string): Sql {
  return text(`'${value.replaceAll("'", "''")}'`)
}

/** The rows of files, as a table; columns are matched by name. Two of them in one statement need aliases. */
export function rowsOf(files: readonly RowFile[]): Sql {
  invariant(files.length > 0, 'rows come from at least one file')
  const names = files.map((file) => (typeof file === 'string' ? file : file.name))
  const readers = new Set(names.map(readerOf))
  if (readers.size > 1)
    throw new Problem('invalid', `files of one table have one format, not ${names.join(', ')}`)
  // A path without a folder could read as the address of a remote object.
  const paths = files.map((file) => resolve(typeof file === 'string' ? file : file.path))
  const [reader] = readers
  if (reader === 'csv') return sql`read_csv(${paths}, union_by_name = true)`
  if (reader === 'json') return sql`read_json(${paths}, union_by_name = true)`
  return sql`read_parquet(${paths}, union_by_name = true, hive_partitioning = false)`
}

/** The statement as the engine takes it: `$1`, `$2` and their values. */
export function numbered(statement: Sql): { text: string; values: readonly Bound[] } {
  const [first = '', ...rest] = statement.parts
  return {
    text: first + rest.map((part, index) => `$${index + 1}${part}`).join(''),
    values: statement.values,
  }
}

function readerOf(file: string): 'parquet' | 'csv' | 'json' {
  const ending = extname(file.replace(/\.gz$/, '')).toLowerCase()
  if (['.csv', '.tsv'].includes(ending)) return 'csv'
  if (['.json', '.jsonl', '.ndjson'].includes(ending)) return 'json'
  // Files of a content-addressed store have no ending, and the platform's own are Parquet.
  return 'parquet'
}

function text(verbatim: string): Sql {
  return { parts: [verbatim], values: [] }
}

function isSql(value: Sql | Bound): value is Sql {
  return typeof value === 'object' && value !== null && 'parts' in value
}
