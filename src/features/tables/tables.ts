import { Problem } from '#base/problem'
import type { DifferenceRequest, RowDifference } from './difference.ts'
import { tableOf } from './places.ts'
import { PROFILE_VERSION, type ProfileStore, type TableProfile } from './profile.ts'
import type { OnProgress } from './progress.ts'
import type { TableEngine, TableLogs, TableSources, TableVersion } from './store.ts'
import type { ColumnInfo, Table } from './table.ts'

export interface TablesDependencies {
  readonly sources: TableSources
  readonly logs: TableLogs
  readonly engine: TableEngine
  /** Undefined outside a project, where there is no place to keep them. */
  readonly profiles: ProfileStore | undefined
}

/** Tables of a project, at any version. */
export interface Tables {
  /** The files of a path as one table. Throws a `Problem` for what is no table. */
  at(path: string, which?: TableVersion): Promise<Table>
  columns(table: Table): Promise<ColumnInfo[]>
  rows(table: Table): Promise<number>
  /** The profile of a version, which is made once for all who ask. */
  profile(table: Table, how?: { onProgress?: OnProgress; again?: boolean }): Promise<Profiled>
  /** Which rows differ, by key or as they are. Throws `invalid` for keys that are no columns of both. */
  difference(
    tables: { readonly old: Table; readonly new: Table },
    request: DifferenceRequest,
  ): Promise<RowDifference>
}

export interface Profiled {
  readonly profile: TableProfile
  /** It was kept from before. */
  readonly isKept: boolean
}

export function createTables(dependencies: TablesDependencies): Tables {
  const { sources, logs, engine } = dependencies
  return {
    at: (path, which = {}) => tableAt({ sources, logs }, path, which),
    columns: (table) => engine.columns(table),
    rows: (table) => engine.rows(table),
    difference: (tables, request) => engine.difference(tables, request),
    profile: (table, how) => profiled(dependencies, table, how),
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

async function profiled(
  { engine, profiles }: Pick<TablesDependencies, 'engine' | 'profiles'>,
  table: Table,
  how: { onProgress?: OnProgress; again?: boolean } = {},
): Promise<Profiled> {
  const { digest } = table
  if (digest !== undefined && how.again !== true) {
    const kept = await profiles?.find(digest)
    if (kept?.version === PROFILE_VERSION) return { profile: kept, isKept: true }
  }
  const profile = await engine.profile(table, how.onProgress)
  if (digest !== undefined) await profiles?.save(digest, profile)
  return { profile, isKept: false }
}
