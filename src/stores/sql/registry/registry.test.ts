import { registryStoreSuite } from '#suites/registry'
import { eachSqlStore } from '../../../../tests/support/sql-stores.ts'

eachSqlStore((_, open) => {
  registryStoreSuite(async () => {
    const store = await open()
    return { read: store.read.registry, transact: store.transact }
  })
})
