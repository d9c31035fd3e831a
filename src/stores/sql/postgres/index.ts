import { Kysely, PostgresDialect } from 'kysely'
import type { Clock } from '#base/clock'
import type { Database } from '../database.ts'
import { migrate, type Migration } from '../migrate.ts'
import type { News } from '../news.ts'
import { addressIn } from './address.ts'
import { bytewise } from './bytewise.ts'
import { listenForNews } from './listener.ts'
import { problemOf, startProblem } from './problems.ts'
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
  const writer = createWriter({ address, untold: news.untold })
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
  const meaning = (error: unknown) => problemOf(error, address)
  const readers = createReaders(address, meaning)
  const listener = listenForNews(address, news)
  return {
    reading: new Kysely<unknown>({ dialect: new PostgresDialect({ pool: readers }) }),
    writing,
    boundaries: writer.boundaries,
    isShared: true,
    // Its own autovacuum sees to that.
    reclaim: async () => undefined,
    problemOf: meaning,
    close: async () => {
      await listener.close()
      await writer.close()
      await readers.end()
    },
  }
}
