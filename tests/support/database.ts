import { randomUUID } from 'node:crypto'
import { Client } from 'pg'

// The tests of the project "postgres" in vitest.config.ts run their servers on the PostgreSQL that this names.
const POSTGRES = 'ORRERY_TEST_POSTGRES'

/** What the databases of those tests are copies of. */
export const TEMPLATE = 'migrated'

const ofHome = new Map<string, string>()

/**
 * What the setting `database` of a server under test is: empty for the file in its home, or a PostgreSQL database
 * of its own where the tests run on that. A server that is started again in a home finds its database again.
 */
export async function databaseFor(home: string): Promise<string> {
  const server = process.env[POSTGRES]
  if (server === undefined) return ''
  const known = ofHome.get(home)
  if (known !== undefined) return known
  const name = `home_${randomUUID().replaceAll('-', '')}`
  const client = new Client({ connectionString: server })
  await client.connect()
  // Two at a time would find the template in use.
  await client.query('select pg_advisory_lock(1)')
  await client.query(`create database ${name} template ${TEMPLATE}`)
  await client.end()
  const url = new URL(server)
  url.pathname = `/${name}`
  ofHome.set(home, url.href)
  return url.href
}
