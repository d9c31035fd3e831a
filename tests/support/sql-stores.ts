import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { manualClock, type Clock } from '#base/clock'
import { countedIds, type Ids } from '#base/ids'
import { openSqlStore, type SqlStore } from '#stores/sql/index'
import { startPostgres, type Postgres } from './postgres.ts'

interface World {
  readonly clock?: Clock
  readonly ids?: Ids
  /** A database that `place` gave, to open it a second time; else an empty one. */
  readonly place?: string
}

const TEMPLATE = 'migrated'

/** Opens a store, which is closed and removed after the test. */
export type OpenStore = (world?: World) => Promise<SqlStore>

/** Makes an empty database and gives what `openSqlStore` takes for it. */
type NewPlace = () => Promise<string>

/** Tells the tests of `suite` for each database that the platform runs on. */
export function eachSqlStore(
  suite: (name: string, open: OpenStore, place: NewPlace) => void,
): void {
  describe('on SQLite', () => {
    const folders: string[] = []
    const place = async () => {
      const folder = await mkdtemp(join(tmpdir(), 'orrery-sql-'))
      folders.push(folder)
      return join(folder, 'orrery.db')
    }
    const open = opener(place)
    afterEach(async () => {
      await open.closeAll()
      for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
    })
    suite('SQLite', open.store, place)
  })

  describe('on PostgreSQL', () => {
    let postgres: Postgres
    const used: string[] = []
    const free: string[] = []
    beforeAll(async () => {
      postgres = await startPostgres()
      // Each further database starts as a copy of this one, which is quicker than a migration each.
      const url = await postgres.createDatabase({ name: TEMPLATE })
      await (await openSqlStore(url, { clock: manualClock(), ids: countedIds() })).close()
    })
    const place = async () => {
      const url = free.pop() ?? (await postgres.createDatabase({ template: TEMPLATE }))
      used.push(url)
      return url
    }
    const open = opener(place)
    afterEach(async () => {
      await open.closeAll()
      for (const url of used.splice(0)) {
        await empty(postgres, url)
        free.push(url)
      }
    })
    afterAll(() => postgres.stop())
    suite('PostgreSQL', open.store, place)
  })
}

/** Makes a database as it was when it was new, which is much quicker than a new one. */
async function empty(postgres: Postgres, url: string): Promise<void> {
  const database = new URL(url).pathname.slice(1)
  const tables = await postgres.run(
    `select tablename as name from pg_tables where schemaname = 'orrery' and tablename <> 'migrations'`,
    database,
  )
  const numbered = await postgres.run(
    `select sequencename as name from pg_sequences where schemaname = 'orrery'`,
    database,
  )
  await postgres.run(
    [
      // Else the ledger would refuse.
      'set session_replication_role = replica',
      ...tables.map(({ name }) => `delete from orrery.${String(name)}`),
      ...numbered.map(({ name }) => `alter sequence orrery.${String(name)} restart`),
    ].join(';'),
    database,
  )
}

function opener(place: NewPlace) {
  const stores: SqlStore[] = []
  const store: OpenStore = async ({ clock = manualClock(), ids = countedIds(), ...given } = {}) => {
    const opened = await openSqlStore(given.place ?? (await place()), { clock, ids })
    stores.push(opened)
    return opened
  }
  return {
    store,
    closeAll: async () => {
      for (const opened of stores.splice(0)) await opened.close()
    },
  }
}
