import { rolloutStoreSuite } from '#suites/rollouts'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

eachSqlStore((_name, open) => {
  rolloutStoreSuite(async () => {
    const { read, transact } = await open()
    return { read: read.rollouts, transact }
  })
})
