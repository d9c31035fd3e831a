import { Kysely, PostgresDialect, sql } from 'kysely'
import type { Clock } from '#base/clock'
import type { Database } from '../database.ts'
import { migrate, type Migration } from '../migrate.ts'
import type { News } from '../news.ts'
import { addressIn } from './address.ts'
import { bytewise } from './bytewise.ts'
import { listenForNews } from './listener.ts'
import { problemOf, startProblem } from './problems.ts'
import { openPresence } from './presence.ts'
import { createReaders } from './readers.ts'
import { prepare } from './setup.ts'
import { createWriter } from './writer.ts'

/** Opens a PostgreSQL database, in which other processes may work too, and migrates it. */
export async function openPostgres(
  url: string,
  { clock, migrations, news }: { clock: Clock; migrations: readonly Migration[]; news: News },
): Promise<Database> {
  const address = addressIn(url)
  await prepare(address)
  let steps: number | undefined
  const writer = createWriter({ address, untold: news.untold, steps: () => steps })
  const writing = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: writer.pool }) })
  const { begin, commit, rollback } = writer.boundaries
  try {
    await migrate(
      {
        place: address.shown,
        db: writing.withPlugin(bytewise),
        clock,
        alone: async (work) => {
          await begin()
          try {
            const value = await work()
            await commit()
            return value
          } catch (error) {
            await rollback()
            throw error
          }
        },
      },
      migrations,
    )
  } catch (error) {
    await writer.close()
    throw startProblem(error, address)
  }
  steps = migrations.length
  const meaning = (error: unknown) => problemOf(error, address)
  const readers = createReaders(address, meaning)
  const listener = listenForNews(address, news)
  const reading = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: readers }) })
  const { presence, close: leave } = openPresence(address)
  return {
    reading,
    writing,
    boundaries: writer.boundaries,
    isShared: true,
    presence,
    isOutdated: async () => {
      const { rows } = await sql`select 1 from migrations having count(*) > ${steps}`.execute(
        reading,
      )
      return rows.length > 0
    },
    // Its own autovacuum sees to that.
    reclaim: async () => undefined,
    problemOf: meaning,
    close: async () => {
      await listener.close()
      await leave()
      await writer.close()
      await readers.end()
    },
  }
}
