import { beforeEach } from 'vitest'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'
import { usageStoreSuite } from '#suites/usage'
import type { SqlStore } from './index.ts'

eachSqlStore((_, open) => {
  let store: SqlStore
  beforeEach(async () => {
    store = await open()
  })
  usageStoreSuite(() => ({ read: store.read.usage, transact: store.transact }))
})
