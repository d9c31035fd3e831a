import Database from 'better-sqlite3'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** How many rows and files a home keeps, by table and folder; what the server signs by itself does not count. */
export interface Kept {
  count(): Promise<Readonly<Record<string, number>>>
  /** The counts once they have stopped changing: what was begun before has come to its end. */
  settled(how?: { quietMs: number }): Promise<Readonly<Record<string, number>>>
  close(): void
}

export function openKept(home: string): Kept {
  const databases = ['orrery.db', 'predictions.db'].map((file) => {
    const database = new Database(join(home, file), { readonly: true })
    const tables = database
      .prepare(
        `select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> 'ledger_checkpoints'`,
      )
      .pluck()
      .all() as string[]
    const counts = tables.map((table) => `(select count(*) from "${table}") as "${file} ${table}"`)
    return { database, count: database.prepare(`select ${counts.join(', ')}`) }
  })
  const count = async () => {
    const rows = databases.map((each) => each.count.get() as Record<string, number>)
    const files = await readdir(join(home, 'objects'), { recursive: true })
    return Object.assign({ objects: files.length }, ...rows) as Record<string, number>
  }
  return {
    count,
    settled: async ({ quietMs } = { quietMs: 30 }) => {
      for (let before = await count(); ;) {
        await sleep(quietMs)
        const now = await count()
        if (JSON.stringify(now) === JSON.stringify(before)) return now
        before = now
      }
    },
    close: () => databases.forEach(({ database }) => database.close()),
  }
}
