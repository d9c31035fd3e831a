import type * as Library from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBInstance, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { Problem } from '#base/problem'
import { numbered, type Bound, type Sql } from './sql.ts'

/** The library, imported at first use: a server that analyses nothing does not load it. */
export type DuckDb = typeof Library

export type Row = Readonly<Record<string, unknown>>

/** An answer by columns, for those who take many rows: far cheaper than an object for each row. */
export type Columns = Readonly<Record<string, readonly unknown[]>>

/** One use of the engine; nobody else's statement comes between its own. */
export interface Session {
  readonly duckdb: DuckDb
  readonly connection: DuckDBConnection
  readonly rows: (statement: Sql) => Promise<Row[]>
  readonly columns: (statement: Sql) => Promise<Columns>
}

export interface Engine {
  /** Runs `use` after those that asked before. */
  session<T>(use: (session: Session) => Promise<T>): Promise<T>
  /** Ends the running statement and closes the engine. */
  close(): Promise<void>
}

/** One engine in memory with limits, used by one caller at a time: memory is what it has least of. */
export function createEngine(limits: {
  memoryMb: number
  threads: number
  spillFolder?: string
}): Engine {
  let opening: Promise<Opened> | undefined
  let last: Promise<unknown> = Promise.resolve()
  let closed = false

  return {
    session: (use) => {
      const result = last.then(async () => {
        if (closed) throw new Problem('unavailable', 'the server is stopping; try again')
        opening ??= open(limits)
        const { duckdb, connection } = await opening
        return use({
          duckdb,
          connection,
          rows: (statement) => rows(duckdb, connection, statement),
          columns: (statement) => columns(duckdb, connection, statement),
        })
      })
      last = result.catch(() => undefined)
      return result
    },
    close: async () => {
      closed = true
      const opened = await opening
      opened?.connection.interrupt()
      await last
      opened?.connection.closeSync()
      opened?.instance.closeSync()
    },
  }
}

/** What every engine is opened with. */
export const SETTINGS = {
  // A missing function must be an error and never a download.
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  // Or else what is freed stays with the engine until it is asked again.
  allocator_background_threads: 'true',
} as const

interface Opened {
  readonly duckdb: DuckDb
  readonly instance: DuckDBInstance
  readonly connection: DuckDBConnection
}

async function open(limits: Parameters<typeof createEngine>[0]): Promise<Opened> {
  const duckdb = await import('@duckdb/node-api')
  const instance = await duckdb.DuckDBInstance.create(':memory:', {
    memory_limit: `${limits.memoryMb}MB`,
    threads: String(limits.threads),
    ...SETTINGS,
    ...(limits.spillFolder === undefined ? {} : { temp_directory: limits.spillFolder }),
  })
  const connection = await instance.connect()
  await connection.run("set TimeZone = 'UTC'")
  return { duckdb, instance, connection }
}

async function rows(duckdb: DuckDb, connection: DuckDBConnection, statement: Sql): Promise<Row[]> {
  return (await answer(duckdb, connection, statement)).getRowObjectsJS().map(withNumbers)
}

async function columns(
  duckdb: DuckDb,
  connection: DuckDBConnection,
  statement: Sql,
): Promise<Columns> {
  const found = (await answer(duckdb, connection, statement)).getColumnsObjectJS()
  return Object.fromEntries(
    Object.entries(found).map(([column, values]) => [column, values.map(withNumber)]),
  )
}

function answer(duckdb: DuckDb, connection: DuckDBConnection, statement: Sql) {
  const { text, values } = numbered(statement)
  return connection.runAndReadAll(
    text,
    values.map((value) => valueOf(duckdb, value)),
    values.map((value) => typeOf(duckdb, value)),
  )
}

function valueOf(duckdb: DuckDb, value: Bound): DuckDBValue {
  return isList(value) ? duckdb.listValue([...value]) : value
}

function typeOf(duckdb: DuckDb, value: Bound): DuckDBType {
  if (isList(value))
    return duckdb.LIST(typeof value[0] === 'number' ? duckdb.DOUBLE : duckdb.VARCHAR)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? duckdb.BIGINT : duckdb.DOUBLE
  if (typeof value === 'boolean') return duckdb.BOOLEAN
  return typeof value === 'bigint' ? duckdb.HUGEINT : duckdb.VARCHAR
}

function isList(value: Bound): value is readonly string[] | readonly number[] {
  return Array.isArray(value)
}

/** Whole numbers as numbers wherever a number holds them exactly. */
function withNumbers(row: Record<string, unknown>): Row {
  for (const [column, value] of Object.entries(row)) row[column] = withNumber(value)
  return row
}

function withNumber(value: unknown): unknown {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}
