import { Problem } from '#base/problem'
import type { TableColumn } from '#contracts'
import type { Table } from '#tables'

/** A table that is open: a view of its files in an engine that can read nothing else. */
export interface OpenTable {
  readonly name: string
  readonly from: Table
  /** The engine's name of it. */
  readonly view: string
  readonly columns: readonly TableColumn[]
  /** Columns that are text whatever they look like. */
  readonly texts: readonly string[]
}

export interface Asking {
  /** Rows of the answer, whole numbers as numbers. */
  readonly ask: (statement: string) => Promise<readonly Readonly<Record<string, unknown>>[]>
  readonly table: (name: string) => OpenTable
  /** The answer of a query that somebody wrote. */
  readonly outsider: (
    query: string,
    table: OpenTable,
    column: string | undefined,
  ) => Promise<number>
  readonly nowMs: number
}

export function columnOf(table: OpenTable, name: string): TableColumn {
  const found = table.columns.find((column) => column.name === name)
  if (found === undefined) throw new Problem('invalid', `there is no column ${name}`)
  return found
}

export async function firstOf(
  asking: Pick<Asking, 'ask'>,
  statement: string,
): Promise<Readonly<Record<string, unknown>>> {
  return (await asking.ask(statement))[0] ?? {}
}
