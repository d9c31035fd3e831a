import { trackingStoreSuite } from '#suites/tracking'
import { eachSqlStore } from '../../../../tests/support/sql-stores.ts'

eachSqlStore((_, open) => {
  trackingStoreSuite(async () => {
    const store = await open()
    return { read: store.read.tracking, transact: store.transact }
  })
})
