import { setImmediate } from 'node:timers/promises'
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import { validate, type TableColumn, type TableEngine } from '#contracts'
import type { Logged } from '#inference'
import type { LiveContracts } from '#monitoring'
import type { Table } from '#tables'
import { createEngine, type DuckDb, type Session } from '../engine.ts'
import { PLACES } from '../tables/relation.ts'
import type { Asking, OpenTable } from './asking.ts'
import { examplesOf } from './examples.ts'
import { factsOf } from './facts.ts'
import { measure } from './scan.ts'
import { quoted } from './text.ts'
import { logicalType } from './types.ts'

type Inputs = Readonly<Record<string, Logged>>

/** Holds what was asked of a model against a contract: the validator of files, over rows in memory. */
export const checkRows: LiveContracts['check'] = async (rows, dataset) => {
  const { datasets } = await validate(
    { engine: rowsEngine(rows), tableAt: async () => NO_FILE, clock: systemClock },
    { id: '', name: '', version: '', datasets: [dataset] },
    { file: '', paths: new Map([[dataset.name, '']]), examples: EXAMPLES },
  )
  return datasets.flatMap(({ checks }) => checks)
}

/** Rows that are shown of what breaks a rule. */
const EXAMPLES = 3

/** How many rows the engine takes in at a time; between them others have their turn. */
const CHUNK_ROWS = 2048

const NO_FILE: Table = {
  name: 'predictions',
  format: 'json',
  files: [],
  packing: 'none',
  partitions: [],
  columns: undefined,
  digest: undefined,
  sizeBytes: 0,
}

/** One table, whose rows are given; it can reach no file and no network. */
function rowsEngine(rows: readonly Inputs[]): TableEngine {
  return {
    open: async (tables) => {
      const [name = 'rows'] = tables.keys()
      const engine = createEngine({ memoryMb: 256, threads: 1 })
      const open = (session: Session) => opened(session, rows, name)
      const table = await engine.session(open).catch(async (error: unknown) => {
        await engine.close()
        throw error
      })
      const asked = <T>(use: (asking: Asking) => Promise<T>, nowMs = 0) =>
        engine.session((session) => use(askingIn(session, table, nowMs)))
      return {
        columns: async () => table.columns,
        measure: (_, tests, { nowMs, onTest }) =>
          asked((asking) => measure(asking, table, { tests, onTest }), nowMs),
        examples: (_, test, limit) =>
          asked((asking) => examplesOf(asking, table, { test, limit, placed })),
        facts: () => asked((asking) => factsOf(asking, table)),
        close: () => engine.close(),
      }
    },
  }
}

/** The table with two more columns that say where a row stands. */
const TOLD = 'told'

const placed = async () => ({ view: TOLD, before: [] })

async function opened(session: Session, rows: readonly Inputs[], name: string): Promise<OpenTable> {
  const columns = columnsOf(rows)
  await takeIn(session, rows, columns)
  const { connection } = session
  const hidden = `${PLACES.file}, ${PLACES.row}`
  await connection.run(
    `create or replace temp view ${quoted(name)} as select * exclude (${hidden}) from ${TOLD}`,
  )
  await connection.run('set enable_external_access = false')
  await connection.run('set lock_configuration = true')
  return { name, from: NO_FILE, view: TOLD, columns, texts: [] }
}

function askingIn(session: Session, table: OpenTable, nowMs: number): Asking {
  return {
    ask: (statement) => session.rows({ parts: [statement], values: [] }),
    table: () => table,
    nowMs,
    outsider: async () => {
      throw new Problem('unsupported', 'queries are not asked of predictions')
    },
  }
}

/** Names that differ in nothing but their case are one to the engine: the first is kept. */
function columnsOf(rows: readonly Inputs[]): TableColumn[] {
  const kinds = new Map<string, { name: string; types: Set<string> }>()
  for (const row of rows)
    for (const [name, value] of Object.entries(row)) {
      const folded = name.toLowerCase()
      const known = kinds.get(folded) ?? { name, types: new Set() }
      kinds.set(folded, known)
      if (value !== null && value !== undefined) known.types.add(typeOf(value))
    }
  return [...kinds.values()].map(({ name, types }) => {
    const physicalType = commonType(types)
    // What was sent as text is of a type if it reads as one, as in files of text.
    return { name, type: logicalType(physicalType), physicalType, guessed: true }
  })
}

function typeOf(value: Logged): string {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'BIGINT' : 'DOUBLE'
  if (typeof value === 'boolean') return 'BOOLEAN'
  const isNumbers = Array.isArray(value) && value.every((each) => typeof each === 'number')
  return isNumbers ? 'DOUBLE[]' : 'VARCHAR'
}

function commonType(types: ReadonlySet<string>): string {
  const [only] = types
  if (types.size === 1 && only !== undefined) return only
  return types.size === 2 && types.has('BIGINT') && types.has('DOUBLE') ? 'DOUBLE' : 'VARCHAR'
}

async function takeIn(
  { duckdb, connection }: Session,
  rows: readonly Inputs[],
  columns: readonly TableColumn[],
): Promise<void> {
  const definitions = columns.map(({ name, physicalType }) => `${quoted(name)} ${physicalType}`)
  await connection.run(
    `create table ${TOLD} (${[`${PLACES.file} bigint`, `${PLACES.row} bigint`, ...definitions].join(', ')})`,
  )
  const types = [
    duckdb.BIGINT,
    duckdb.BIGINT,
    ...columns.map(({ physicalType }) => engineType(duckdb, physicalType)),
  ]
  const appender = await connection.createAppender(TOLD)
  for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
    const some = rows.slice(start, start + CHUNK_ROWS)
    const chunk = duckdb.DuckDBDataChunk.create(types, some.length)
    chunk.setColumns([
      some.map(() => 0n),
      some.map((_, index) => BigInt(start + index)),
      ...columns.map(({ name, physicalType }) =>
        some.map((row) => valueOf(duckdb, row[name], physicalType)),
      ),
    ])
    appender.appendDataChunk(chunk)
    await setImmediate()
  }
  appender.closeSync()
}

function engineType(duckdb: DuckDb, physicalType: string): DuckDBType {
  if (physicalType === 'BIGINT') return duckdb.BIGINT
  if (physicalType === 'DOUBLE') return duckdb.DOUBLE
  if (physicalType === 'BOOLEAN') return duckdb.BOOLEAN
  return physicalType === 'DOUBLE[]' ? duckdb.LIST(duckdb.DOUBLE) : duckdb.VARCHAR
}

function valueOf(duckdb: DuckDb, value: Logged | undefined, physicalType: string): DuckDBValue {
  if (value === null || value === undefined) return null
  if (physicalType === 'BIGINT') return BigInt(value as number)
  if (physicalType === 'DOUBLE' || physicalType === 'BOOLEAN') return value as number | boolean
  if (physicalType === 'DOUBLE[]') return duckdb.listValue([...(value as number[])])
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
