import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { workStoreSuite } from '#suites/work'
import { openSqlStore } from './index.ts'
import { openReader } from './sqlite.ts'

const newFile = async () => join(await mkdtemp(join(tmpdir(), 'orrery-work-')), 'orrery.db')

describe('jobs in SQLite', () => {
  workStoreSuite(async (clock) => {
    const { read, transact } = await openSqlStore(await newFile(), { clock, ids: countedIds() })
    return { read: read.work, transact }
  })

  test('a look for work does not walk over the jobs that are done', async () => {
    const file = await newFile()
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
})
