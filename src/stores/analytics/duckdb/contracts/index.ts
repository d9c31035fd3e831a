import { Problem } from '#base/problem'
import type { OpenTables, TableColumn, TableEngine } from '#contracts'
import type { Table } from '#tables'
import { createEngine, type Engine, type Session } from '../engine.ts'
import { openTable, PLACES } from '../tables/relation.ts'
import { examplesOf, type Placed } from './examples.ts'
import { factsOf } from './facts.ts'
import { numberOf } from './outsider.ts'
import type { Asking, OpenTable } from './asking.ts'
import { measure } from './scan.ts'
import { literal, quoted } from './text.ts'
import { logicalType } from './types.ts'

export interface ContractEngineLimits {
  readonly memoryMb: number
  readonly threads: number
  readonly spillFolder: string
  /** How long a query of a contract may take. */
  readonly queryMs?: number
}

const QUERY_MS = 60_000

/** Opens tables in an engine of their own, which is then closed to every other file. */
export function openContractEngine({
  queryMs = QUERY_MS,
  ...limits
}: ContractEngineLimits): TableEngine {
  return {
    open: async (tables, { texts, signal } = {}) => {
      const engine = createEngine(limits)
      try {
        const opened = await engine.session((session) => openAll(session, tables, texts))
        return openTables(engine, { opened, queryMs, ...(signal === undefined ? {} : { signal }) })
      } catch (error) {
        await engine.close()
        throw error
      }
    },
  }
}

async function openAll(
  session: Session,
  tables: ReadonlyMap<string, Table>,
  texts: ReadonlyMap<string, readonly string[]> | undefined,
): Promise<ReadonlyMap<string, OpenTable>> {
  const opened = new Map<string, OpenTable>()
  for (const [name, from] of tables) {
    const view = `orrery_table_${opened.size}`
    // A type that is guessed wrong would have rules skipped, so every row is looked at.
    const { columns } = await openTable(session, from, {
      view,
      texts: texts?.get(name) ?? [],
      thorough: true,
    })
    await session.connection.run(
      `create or replace temp view ${quoted(name)} as select * from ${view}`,
    )
    const known = columns.map((column): TableColumn => ({
      name: column.name,
      type: logicalType(column.type),
      physicalType: column.type,
      guessed: from.format !== 'parquet',
    }))
    opened.set(name, { name, from, view, columns: known, texts: texts?.get(name) ?? [] })
  }
  const files = [...tables.values()].flatMap((table) => table.files.map(({ path }) => path))
  await session.connection.run(`set allowed_paths = [${files.map(literal).join(', ')}]`)
  await session.connection.run('set enable_external_access = false')
  await session.connection.run('set lock_configuration = true')
  return opened
}

interface Held {
  readonly opened: ReadonlyMap<string, OpenTable>
  readonly queryMs: number
  readonly signal?: AbortSignal
}

function openTables(engine: Engine, { opened, queryMs, signal }: Held): OpenTables {
  const placed = new Map<string, Promise<Placed>>()
  const table = (name: string): OpenTable => {
    const found = opened.get(name)
    if (found === undefined) throw new Error(`the table ${name} was not opened`)
    return found
  }
  const session = <T>(use: (asking: Asking, own: Session) => Promise<T>, nowMs = 0): Promise<T> =>
    engine.session(async (own) => {
      const stop = () => own.connection.interrupt()
      if (isStopped(signal)) throw new Problem('timeout', 'it was cancelled')
      signal?.addEventListener('abort', stop)
      try {
        return await use(askingIn(own, { table, queryMs, nowMs }), own)
      } catch (error) {
        throw isStopped(signal) ? new Problem('timeout', 'it was cancelled') : plainly(error)
      } finally {
        signal?.removeEventListener('abort', stop)
      }
    })
  return {
    columns: async (name) => table(name).columns,
    measure: (name, tests, { nowMs, onTest }) =>
      session((asking) => measure(asking, table(name), { tests, onTest }), nowMs),
    examples: (name, test, limit) =>
      session((asking, own) =>
        examplesOf(asking, table(name), {
          test,
          limit,
          placed: () => {
            const made = placed.get(name) ?? placesOf(own, asking, table(name))
            placed.set(name, made)
            return made
          },
        }),
      ),
    facts: (name) => session((asking) => factsOf(asking, table(name))),
    close: () => engine.close(),
  }
}

/** A question of its own, since the answer changes while others wait. */
function isStopped(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

function askingIn(
  session: Session,
  { table, queryMs, nowMs }: { table: (name: string) => OpenTable; queryMs: number; nowMs: number },
): Asking {
  const ask = (statement: string) => session.rows({ parts: [statement], values: [] })
  return {
    ask,
    table,
    nowMs,
    outsider: async (query, of, column) => {
      let late = false
      const timer = setTimeout(() => {
        late = true
        session.connection.interrupt()
      }, queryMs)
      try {
        return await numberOf(ask, query, { table: of, column })
      } catch (error) {
        if (late)
          throw new Problem(
            'invalid',
            `the query took longer than ${Math.round(queryMs / 1000)} s and was ended`,
          )
        throw error
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

async function placesOf(session: Session, asking: Asking, table: OpenTable): Promise<Placed> {
  const view = `${table.view}_placed`
  await openTable(session, table.from, { view, texts: table.texts, places: true, thorough: true })
  if (table.from.format === 'parquet' || table.from.files.length === 1) return { view, before: [] }
  const rows = await asking.ask(
    `select ${PLACES.file} as file, count(*) as n from ${view} group by 1`,
  )
  const counts = new Map(rows.map((row) => [Number(row['file']), Number(row['n'])]))
  let all = 0
  const before = table.from.files.map((_, index) => {
    const start = all
    all += counts.get(index) ?? 0
    return start
  })
  return { view, before }
}

/** What the engine says when it may not have more, in words that say what to do. */
function plainly(error: unknown): unknown {
  const said = error instanceof Error ? error.message : String(error)
  if (/^Out of Memory/i.test(said))
    return new Problem(
      'limit',
      `the rules need more memory than they are given; give more with --memory. ${said.split('\n')[0] ?? ''}`,
    )
  return error
}
