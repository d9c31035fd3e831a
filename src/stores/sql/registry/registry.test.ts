import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { registryStoreSuite } from '#suites/registry'
import { openSqlStore, type SqlStore } from '../index.ts'

const open: { store: SqlStore; folder: string }[] = []

afterEach(async () => {
  for (const { store, folder } of open.splice(0)) {
    await store.close()
    await rm(folder, { recursive: true })
  }
})

registryStoreSuite(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-registry-'))
  const store = await openSqlStore(join(folder, 'orrery.db'), {
    clock: manualClock(),
    ids: countedIds(),
  })
  open.push({ store, folder })
  return { read: store.read.registry, transact: store.transact }
})
