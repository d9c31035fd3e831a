import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { migrations } from '../migrations/index.ts'
import { createNews } from '../news.ts'
import type { Hold } from '../postgres/hold.ts'
import { openPostgres } from '../postgres/index.ts'
import type { Receiving } from './end.ts'
import { lookIntoDatabase, noteIn, postgresReads, tableIn, tableNames } from './postgres-end.ts'
import { quoted } from './sqlite-end.ts'
import type { Table } from './table.ts'
import { COPY_END, COPY_START, type Batch } from './tuple.ts'

/**
 * A PostgreSQL database that holds nothing and is locked, brought to the newest step. All rows come in one transaction, so that
 * nothing of it is there when it is interrupted.
 */
export async function receiveInDatabase(
  url: string,
  { hold, clock }: { hold: Hold; clock: Clock },
): Promise<Receiving> {
  // By the way that servers go, who wait for the lock themselves.
  await hold.unlock()
  await (await openPostgres(url, { clock, migrations, news: createNews() })).close()
  await hold.lock()
  const holding = await lookIntoDatabase(hold)
  if (holding.of !== 'nothing')
    throw new Problem('conflict', `somebody else just wrote into ${hold.shown}; look what it is`)
  await hold.ask('begin')
  return {
    place: hold.shown,
    ...postgresReads(hold),
    write: (table, batches) =>
      hold.write(
        `copy ${tableIn(table.name)} (${table.columns.map(({ name }) => quoted(name)).join(', ')}) from stdin (format binary)`,
        copyOf(batches),
      ),
    finish: async (tables) => {
      for (const table of tables) await numberOn(hold, table)
      for (const table of tables) await hold.ask(`analyze ${tableIn(table.name)}`)
    },
    keep: async (move) => {
      await noteIn(hold, move)
      await hold.ask('commit')
    },
    note: (move) => noteIn(hold, move),
    close: hold.close,
  }
}

/** Removes the tables of a copy that was never put to use, for another attempt. */
export async function removeCopy(hold: Hold): Promise<void> {
  const names = await tableNames(hold)
  await hold.ask(`drop table ${names.map(tableIn).join(', ')} cascade`)
}

async function* copyOf(batches: AsyncIterable<Batch>): AsyncGenerator<Buffer> {
  yield COPY_START
  for await (const { bytes } of batches) yield bytes
  yield COPY_END
}

/** Lets the numbers that the database gives go on after the highest that came. */
async function numberOn(hold: Hold, table: Table): Promise<void> {
  const [key] = table.key
  const column = table.columns.find(({ name }) => name === key)
  if (key === undefined || table.key.length > 1 || column?.kind !== 'big') return
  await hold.ask(
    `select setval(pg_get_serial_sequence($1, $2), greatest(max(${quoted(key)}), 1), max(${quoted(key)}) is not null)
      from ${tableIn(table.name)} where pg_get_serial_sequence($1, $2) is not null`,
    [tableIn(table.name), key],
  )
}
