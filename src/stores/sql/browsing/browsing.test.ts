import { browsingStoreSuite } from '#suites/tracking'
import { eachSqlStore } from '../../../../tests/support/sql-stores.ts'

eachSqlStore((_, open) => {
  browsingStoreSuite(async () => {
    const store = await open()
    return { read: store.read.browsing, transact: store.transact }
  })
})
