import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import { addressIn, SCHEMA } from './address.ts'
import { startProblem } from './problems.ts'
import { openSession, type Session } from './session.ts'

/** All of a database as it was at one moment, to be read only. */
export interface Snapshot<Tables> {
  readonly db: Kysely<Tables>
  hasTable(name: string): Promise<boolean>
  close(): Promise<void>
}

export async function openSnapshot<Tables>(url: string): Promise<Snapshot<Tables>> {
  const address = addressIn(url)
  let session: Session | undefined
  try {
    session = await openSession(address)
    // Whoever thinks between two pages is no writer that others wait for.
    await session.query('set idle_in_transaction_session_timeout = 0')
    await session.query('begin isolation level repeatable read read only')
  } catch (error) {
    await session?.close()
    throw startProblem(error, address)
  }
  const { query, close } = session
  const pool = {
    connect: async () => ({ query, release: () => undefined }),
    end: close,
    options: {},
  } as unknown as PostgresPool
  return {
    db: new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }),
    hasTable: async (name) => {
      const { rows } = await query('select to_regclass($1) as name', [`${SCHEMA}.${name}`])
      return rows[0]?.['name'] !== null
    },
    close,
  }
}
