import type { PairReader, TableReader } from '#drift'
import type { Table } from '#tables'
import { createEngine, type Session } from '../engine.ts'
import { withTables, type OpenedTable } from '../tables/relation.ts'
import { sql } from '../sql.ts'
import { tableReader, type Opened } from './reader.ts'
import { tallyOf } from './tally.ts'

/** An engine that reads tables in order to compare them. */
export interface DriftEngine {
  pair<T>(
    tables: { readonly reference: Table; readonly current: Table },
    use: (reader: PairReader) => Promise<T>,
  ): Promise<T>
  single<T>(table: Table, use: (reader: TableReader) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export function openDriftEngine(limits: {
  memoryMb: number
  threads: number
  spillFolder: string
}): DriftEngine {
  const engine = createEngine(limits)
  const opened = <T>(tables: readonly Table[], use: (all: readonly Opened[]) => Promise<T>) =>
    engine.session(async (session) => {
      // No answer depends on the order of rows.
      await session.connection.run('set preserve_insertion_order = false')
      return withTables(session, tables, async (views) => {
        const all: Opened[] = []
        for (const [index, view] of views.entries())
          all.push(await heldTable(session, { table: tables[index] as Table, view, index }))
        try {
          return await use(all)
        } finally {
          for (const index of tables.keys())
            await session.connection.run(`drop table if exists held_${index}`)
        }
      })
    })
  return {
    pair: ({ reference, current }, use) =>
      opened([reference, current], ([one, other]) =>
        use({
          reference: tableReader(one as Opened),
          current: tableReader(other as Opened),
          tally: (column, at) => tallyOf(one as Opened, other as Opened, { column, at }),
        }),
      ),
    single: (table, use) => opened([table], ([one]) => use(tableReader(one as Opened))),
    close: () => engine.close(),
  }
}

/** Columns are read one after another: text would be taken apart for each of them, so it is kept by columns first. */
async function heldTable(
  session: Session,
  { table, view, index }: { table: Table; view: OpenedTable; index: number },
): Promise<Opened> {
  const held = `held_${index}`
  if (table.format !== 'parquet')
    await session.connection.run(
      `create or replace temp table ${held} as select * from ${view.from.parts[0]}`,
    )
  const from = table.format === 'parquet' ? view.from : { parts: [held], values: [] }
  const [row] = await session.rows(sql`select count(*) as n from ${from}`)
  return { session, table, from, columns: view.columns, rows: Number(row?.['n'] ?? 0) }
}
