import { eachSqlStore } from '../../../tests/support/sql-stores.ts'
import { dataStoreSuite } from '#suites/datastores'

eachSqlStore((_, open) => {
  dataStoreSuite(async () => {
    const { read, transact } = await open()
    return { read: read.datastores, transact }
  })
})
