import BetterSqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { createRegistry, NO_DESCRIPTION } from '#registry'
import { openLocalObjects } from '#stores/objects/local'
import { createTracking } from '#tracking'
import { openSqlStore } from '../index.ts'
import { pastOf } from './past.ts'

const ADA = { kind: 'user', id: 'ada' } as const
let home = ''
afterEach(() => rm(home, { recursive: true, force: true }))

async function opened(clock: ReturnType<typeof manualClock>) {
  const ids = countedIds()
  const store = await openSqlStore(join(home, 'orrery.db'), { clock, ids })
  const { read, transact } = store
  const objects = await openLocalObjects(join(home, 'objects'))
  const tracking = createTracking({ read: read.tracking, transact, objects, clock, ids })
  const registry = createRegistry({
    read: read.registry,
    transact,
    tracking,
    objects,
    clock,
    describe: async () => NO_DESCRIPTION,
    guard: { check: async () => undefined },
  })
  return { store, registry }
}

test('a registry from before there was a history gets one from its ledger', async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-past-'))
  const clock = manualClock()
  const { store, registry } = await opened(clock)
  const { models, versions, aliases } = registry
  const tags = [{ key: 'born', value: 'with' }]
  const steps = [
    () => models.create(ADA, { name: 'late', note: 'first', tags }),
    () => registry.registerVersion(ADA, { model: 'late', source: 's3://bucket/1', tags }),
    () => registry.registerVersion(ADA, { model: 'late', source: 's3://bucket/2' }),
    () => aliases.set(ADA, { model: 'late', alias: 'next', version: 1 }),
    () => versions.move(ADA, { model: 'late', version: 1, stage: 'staging', others: 'keep' }),
    () => models.setTag(ADA, 'late', { key: 'long', value: 'x'.repeat(3000) }),
    () => versions.note(ADA, 'late', 2, 'better'),
    () => models.rename(ADA, 'late', 'later'),
    () => aliases.set(ADA, { model: 'later', alias: 'next', version: 2 }),
    () => models.create(ADA, { name: 'late' }),
    () => models.delete(ADA, 'late'),
    () => versions.setTag(ADA, 'later', 1, { key: 'tier', value: 'gold' }),
  ]
  const moments: number[] = []
  for (const step of steps) {
    clock.advance(10)
    await step()
    moments.push(clock.nowMs())
  }
  const told = await Promise.all(
    moments.map((atMs) => registry.history.modelsAt(atMs, { kind: 'model', limit: 9 })),
  )
  await store.close()

  const file = new BetterSqlite(join(home, 'orrery.db'))
  file.exec('delete from registry_changes; delete from registry_names')
  await pastOf(new Kysely<unknown>({ dialect: new SqliteDialect({ database: file }) }))
  file.close()

  const again = await opened(clock)
  const rebuilt = await Promise.all(
    moments.map((atMs) => again.registry.history.modelsAt(atMs, { kind: 'model', limit: 9 })),
  )
  await again.store.close()
  expect(rebuilt).toEqual(told)
})
