import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type QueryResultRow } from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf, Problem } from '#base/problem'
import { addressIn } from './address.ts'
import { problemOf, startProblem } from './problems.ts'
import { refuseUnsuitable } from './setup.ts'
import { WRITERS_LOCK } from './writer.ts'

/** A connection to a database for long work alone with it: whole tables stream through it. */
export interface Hold {
  readonly shown: string
  ask<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** Waits for the writers of all servers and keeps them away until the connection is closed. Throws a `conflict` problem when servers use the database. */
  lock(): Promise<void>
  unlock(): Promise<void>
  /** What `copy … to stdout` gives. */
  read(text: string): AsyncIterable<Buffer>
  /** What `copy … from stdin` takes. */
  write(text: string, bytes: AsyncIterable<Buffer>): Promise<void>
  db<Tables>(): Kysely<Tables>
  close(): Promise<void>
}

/** Whatever is set for this user or database: hours may pass between two statements, or in one. */
const SETTINGS = [
  'set statement_timeout = 0',
  'set idle_in_transaction_session_timeout = 0',
  'set idle_session_timeout = 0',
  `set lock_timeout = '10s'`,
  'set synchronous_commit = on',
]

const LAST_GONE_MS = 2000
const LOOK_AGAIN_MS = 50

export async function holdDatabase(url: string): Promise<Hold> {
  const address = addressIn(url)
  const client = new Client({ ...address.config, application_name: 'orrery migrate' })
  client.on('error', () => undefined)
  const meant = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw problemOf(error, address) ?? error
    }
  }
  const ask: Hold['ask'] = <Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ) => meant(async () => (await client.query<Row>(text, [...values])).rows)
  try {
    await client.connect()
    for (const setting of SETTINGS) await client.query(setting)
    await refuseUnsuitable(client, address)
  } catch (error) {
    await client.end().catch(() => undefined)
    throw startProblem(error, address)
  }
  return {
    shown: address.shown,
    ask,
    lock: async () => {
      await refuseUsed(ask, address.shown)
      const [row] = await ask<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
        WRITERS_LOCK,
      ])
      if (row?.locked !== true) throw used(address.shown)
    },
    unlock: async () => void (await ask('select pg_advisory_unlock($1)', [WRITERS_LOCK])),
    read: async function* (text) {
      try {
        yield* client.query(copyTo(text)) as AsyncIterable<Buffer>
      } catch (error) {
        throw problemOf(error, address) ?? error
      }
    },
    write: async (text, bytes) => {
      try {
        await meant(() => pipeline(Readable.from(bytes), client.query(copyFrom(text))))
      } catch (error) {
        throw broken(error) ?? error
      }
    },
    db: <Tables>() => kyselyOn<Tables>(client),
    close: async () => {
      await client.end().catch(() => undefined)
    },
  }
}

/** Rows that do not fit together; the database that they come from did not see to it. */
function broken(error: unknown): Problem | undefined {
  const { code = '', detail = '' } = error as { code?: string; detail?: string }
  if (!code.startsWith('23')) return undefined
  return new Problem('conflict', `${messageOf(error)} (${detail}); repair it in the source first`)
}

function kyselyOn<Tables>(client: Client): Kysely<Tables> {
  const one = { query: client.query.bind(client), release: () => undefined }
  const pool: unknown = { connect: async () => one, end: async () => undefined, options: {} }
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: pool as PostgresPool }),
  })
}

/** Servers are known by what they call their connections; one that just ended may still be seen. */
async function refuseUsed(ask: Hold['ask'], shown: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
    const [row] = await ask<{ sessions: number }>(
      `select count(*) as sessions from pg_stat_activity
        where datname = current_database() and application_name = 'orrery'`,
    )
    if (row?.sessions === 0) return
    if (waitedMs >= LAST_GONE_MS) throw used(shown)
    await sleep(LOOK_AGAIN_MS)
  }
}

function used(shown: string): Problem {
  return new Problem(
    'conflict',
    `a server uses the database ${shown}; stop it, and all its replicas`,
  )
}
