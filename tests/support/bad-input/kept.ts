import Database from 'better-sqlite3'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { databaseFor } from '../database.ts'

/** How many rows and files a home keeps, by table and folder; what the server signs by itself does not count. */
export interface Kept {
  count(): Promise<Readonly<Record<string, number>>>
  /** The counts once they have stopped changing: what was begun before has come to its end. */
  settled(how?: { quietMs: number }): Promise<Readonly<Record<string, number>>>
  close(): Promise<void>
}

/** `takeOver` has the log take over what was answered: it gives way to answers while the machine is busy. */
export async function openKept(home: string, takeOver: () => Promise<unknown>): Promise<Kept> {
  const database = await databaseFor(home)
  const kept = [
    openFile(join(home, 'predictions.db')),
    database === '' ? openFile(join(home, 'orrery.db')) : await openPostgres(database),
  ]
  const count = async () => {
    const files = await readdir(join(home, 'objects'), { recursive: true })
    const rows = await Promise.all(kept.map((each) => each.count()))
    return Object.assign({ objects: files.length }, ...rows) as Record<string, number>
  }
  return {
    count,
    settled: async ({ quietMs } = { quietMs: 30 }) => {
      await takeOver()
      for (let before = await count(); ;) {
        await sleep(quietMs)
        const now = await count()
        if (JSON.stringify(now) === JSON.stringify(before)) return now
        before = now
      }
    },
    close: async () => {
      for (const each of kept) await each.close()
    },
  }
}

interface Tables {
  count(): Promise<Record<string, number>>
  close(): Promise<void>
}

/** The log is profiled, and what serving took is kept, some time after it was answered. */
const SELF_MADE = new Set(['ledger_checkpoints', 'commit_marks', 'profiles', 'usage_hours'])

/** The server looks through its trash when an hour begins, whatever it is asked meanwhile. */
const ASKED_FOR: Readonly<Record<string, string>> = { jobs: ` where kind <> 'purge-trash'` }

const counting = (tables: readonly string[], place: string) =>
  `select ${tables
    .filter((table) => !SELF_MADE.has(table))
    .map(
      (table) => `(select count(*) from ${place}"${table}"${ASKED_FOR[table] ?? ''}) as "${table}"`,
    )
    .join(', ')}`

function openFile(file: string): Tables {
  const database = new Database(file, { readonly: true })
  const tables = database
    .prepare(
      `select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name`,
    )
    .pluck()
    .all() as string[]
  const statement = database.prepare(counting(tables, ''))
  return {
    count: async () => statement.get() as Record<string, number>,
    close: async () => void database.close(),
  }
}

async function openPostgres(url: string): Promise<Tables> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'orrery' order by tablename`,
  )
  const statement = counting(
    rows.map(({ name }) => name),
    'orrery.',
  )
  return {
    count: async () => (await client.query<Record<string, number>>(statement)).rows[0] ?? {},
    close: () => client.end(),
  }
}
