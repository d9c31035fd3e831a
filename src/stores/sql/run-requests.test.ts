import { requestStoreSuite } from '#suites/pipelines'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

eachSqlStore((_name, open) => {
  requestStoreSuite(async () => {
    const { read, transact } = await open()
    return { read: read.requests, transact }
  })
})
