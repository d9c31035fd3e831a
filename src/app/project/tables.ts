import { mkdirSync } from 'node:fs'
import { availableParallelism, freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Revisions, Workspace } from '#data'
import { createTables, type Tables } from '#tables'
import { openTableEngine } from '#stores/analytics/duckdb/tables/open'
import type { ObjectFolder } from '#stores/dvc/objects'
import { openProfiles } from '#stores/dvc/profiles'
import { tableLogs } from './table-logs.ts'
import { tableSources } from './table-sources.ts'

/** What a project has that its tables need. */
export interface TableGround {
  readonly root: string
  readonly workspace: Workspace
  readonly cache: ObjectFolder
  readonly cacheFolder: string
  readonly revisions: Revisions | undefined
}

export interface OpenedTables extends Tables {
  close(): Promise<void>
}

/** Tables of a project; the engine is opened when it is first asked something. */
export function openProjectTables(ground: TableGround): OpenedTables {
  const temporary = join(ground.root, '.dvc', 'tmp', 'orrery')
  return opened(join(temporary, 'spill'), {
    sources: tableSources({ ...ground, keptFolder: join(temporary, 'tables') }),
    profiles: openProfiles(ground.cacheFolder),
  })
}

/** Tables that lie in a folder without a project: nothing is kept, and there are no revisions. */
export function openLooseTables(folder: string): OpenedTables {
  return opened(join(tmpdir(), 'orrery-spill'), {
    sources: tableSources({ root: folder }),
    profiles: undefined,
  })
}

function opened(
  spillFolder: string,
  rest: Pick<Parameters<typeof createTables>[0], 'sources' | 'profiles'>,
): OpenedTables {
  mkdirSync(spillFolder, { recursive: true })
  const engine = openTableEngine({
    memoryMb: memoryMb(),
    threads: availableParallelism(),
    spillFolder,
  })
  return { ...createTables({ ...rest, logs: tableLogs, engine }), close: () => engine.close() }
}

/** Most of what a process of 2 GB has, and less where the machine has less to give. */
function memoryMb(): number {
  return Math.max(256, Math.min(1400, Math.floor(freemem() / 2 ** 21)))
}
