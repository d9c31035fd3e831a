import { replayStoreSuite } from '#suites/replay'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

eachSqlStore((_name, open) => {
  replayStoreSuite(async () => {
    const { read, transact } = await open()
    return { read: read.replay, transact }
  })
})
