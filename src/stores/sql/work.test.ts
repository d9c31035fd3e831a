import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { workStoreSuite } from '#suites/work'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'
import { openSqlStore } from './index.ts'
import { openReader } from './sqlite.ts'

eachSqlStore((_name, open) => {
  workStoreSuite(async (clock) => {
    const { read, transact } = await open({ clock })
    return { read: read.work, transact }
  })
})

test('a look for work in SQLite does not walk over the jobs that are done', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'orrery-work-')), 'orrery.db')
  const store = await openSqlStore(file, { clock: systemClock, ids: countedIds() })
  await store.close()
  const plan = openReader(file)
    .prepare(
      `explain query plan select id from jobs where kind in ('a', 'b') and run_after_ms <= 5
       and (state = 'waiting' or (state = 'running' and lease_until_ms < 5)) order by id limit 1`,
    )
    .all() as { detail: string }[]
  expect(plan.map((step) => step.detail).join('; ')).not.toMatch(/SCAN jobs|autoindex/)
})
