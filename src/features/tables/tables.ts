import { Problem } from '#base/problem'
import { tableOf } from './places.ts'
import type { TableEngine, TableLogs, TableSources, TableVersion } from './store.ts'
import type { ColumnInfo, Table } from './table.ts'

export interface TablesDependencies {
  readonly sources: TableSources
  readonly logs: TableLogs
  readonly engine: TableEngine
}

/** Tables of a project, at any version. */
export interface Tables {
  /** The files of a path as one table. Throws a `Problem` for what is no table. */
  at(path: string, which?: TableVersion): Promise<Table>
  columns(table: Table): Promise<ColumnInfo[]>
  rows(table: Table): Promise<number>
}

export function createTables({ sources, logs, engine }: TablesDependencies): Tables {
  return {
    at: (path, which = {}) => tableAt({ sources, logs }, path, which),
    columns: (table) => engine.columns(table),
    rows: (table) => engine.rows(table),
  }
}

async function tableAt(
  { sources, logs }: Pick<TablesDependencies, 'sources' | 'logs'>,
  path: string,
  which: TableVersion,
): Promise<Table> {
  const name = which.rev === undefined ? path : `${path}@${which.rev}`
  const found = await sources.find(path, which.rev)
  if (found === undefined)
    throw new Problem(
      'not-found',
      which.rev === undefined
        ? `${path} does not exist; name a file or a folder of rows`
        : `${path} does not exist at ${which.rev}, or is not tracked there`,
    )
  const logged = await logs.table(name, found, which)
  if (logged !== undefined) return logged
  if (which.version !== undefined || which.atMs !== undefined)
    throw new Problem(
      'invalid',
      `${path} keeps no versions of its own; for what Git and DVC keep, name a revision with --rev`,
    )
  return tableOf(name, found)
}
