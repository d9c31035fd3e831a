import { traceStoreSuite } from '#suites/traces'
import { eachSqlStore } from '../../../../tests/support/sql-stores.ts'

eachSqlStore((_, open) => {
  traceStoreSuite(async () => {
    const store = await open()
    return { read: store.read.traces, transact: store.transact }
  })
})
