import type { TestProject } from 'vitest/node'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { openSqlStore } from '#stores/sql/index'
import { TEMPLATE } from './database.ts'
import { startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgres: string
  }
}

/** Starts one PostgreSQL for all files of a project, whose servers then each get a database of it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres()
  const url = await postgres.createDatabase({ name: TEMPLATE })
  await (await openSqlStore(url, { clock: systemClock, ids: randomIds })).close()
  project.provide('postgres', postgres.url('postgres'))
  return postgres.stop
}
