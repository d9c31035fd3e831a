import type { DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { messageOf } from '#base/problem'
import type { AskRows, RowAnswer } from '#monitoring'
import type { Logged } from '#inference'
import type { PredictionRow } from '#serving'
import { SETTINGS, type DuckDb } from './engine.ts'

/** A question that takes longer is ended. */
const ASKED_MS_MAX = 10_000

/** From here on only the rows are seen, and nothing can be set otherwise. */
const LOCKED = [
  "temp_directory = ''",
  'enable_external_access = false',
  'lock_configuration = true',
]

/** How many rows the engine takes in at a time. */
const CHUNK_ROWS = 2048

/**
 * Asks questions in SQL of the table `predictions` that these rows are, in an engine of their own: it knows nothing
 * else, and can reach no file, no network and no setting.
 */
export const askRows: AskRows = async (rows, questions) => {
  const duckdb = await import('@duckdb/node-api')
  const instance = await duckdb.DuckDBInstance.create(':memory:', {
    memory_limit: '256MB',
    threads: '1',
    ...SETTINGS,
  })
  const connection = await instance.connect()
  try {
    await connection.run("set TimeZone = 'UTC'")
    await takeIn(duckdb, connection, rows)
    for (const setting of LOCKED) await connection.run(`set ${setting}`)
    const answers: Record<string, RowAnswer> = {}
    for (const [name, question] of Object.entries(questions))
      answers[name] = await answerTo(duckdb, connection, question)
    return answers
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

async function answerTo(
  duckdb: DuckDb,
  connection: DuckDBConnection,
  question: string,
): Promise<RowAnswer> {
  const timer = setTimeout(() => connection.interrupt(), ASKED_MS_MAX)
  try {
    const statements = await connection.extractStatements(question)
    if (statements.count !== 1) return refused(`it has ${statements.count} statements`)
    const prepared = await statements.prepare(0)
    if (prepared.statementType !== duckdb.StatementType.SELECT) return refused('it is no SELECT')
    const found = await prepared.streamAndReadUntil(2)
    const { columnCount, currentRowCount } = found
    if (columnCount !== 1 || currentRowCount !== 1)
      return refused(
        `it answers ${currentRowCount > 1 ? 'several rows' : `${currentRowCount} rows`} of ${columnCount} columns`,
      )
    return numberIn(found.getRowsJS()[0]?.[0])
  } catch (error) {
    return { value: null, note: `the question could not be answered: ${firstLine(error)}` }
  } finally {
    clearTimeout(timer)
  }
}

function refused(why: string): RowAnswer {
  return { value: null, note: `a KPI is one SELECT that answers one number; ${why}` }
}

function numberIn(value: unknown): RowAnswer {
  if (value === null || value === undefined) return { value: null, note: 'it answers NULL' }
  if (typeof value === 'string') return refused(`it answers the text "${value.slice(0, 40)}"`)
  const number = Number(value)
  return Number.isFinite(number) && typeof value !== 'object'
    ? { value: number }
    : refused('it answers no finite number')
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0]?.slice(0, 300) ?? ''
}

type Kind = 'number' | 'boolean' | 'text' | 'numbers'

interface Column {
  /** Inside `inputs` or `outputs`; without, at the top. */
  readonly of: 'inputs' | 'outputs' | null
  readonly name: string
  readonly kind: Kind | 'time'
  readonly value: (row: PredictionRow) => Logged | bigint | undefined
}

async function takeIn(
  duckdb: DuckDb,
  connection: DuckDBConnection,
  rows: readonly PredictionRow[],
): Promise<void> {
  const columns = columnsOf(rows)
  const types = columns.map(({ kind }) => typeOf(duckdb, kind))
  const definitions = columns.map((_, place) => `c${place} ${types[place]?.toString()}`)
  await connection.run(`create table told (${definitions.join(', ')})`)
  const appender = await connection.createAppender('told')
  for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
    const some = rows.slice(start, start + CHUNK_ROWS)
    const chunk = duckdb.DuckDBDataChunk.create(types, some.length)
    chunk.setColumns(columns.map((column) => some.map((row) => valueOf(duckdb, column, row))))
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
  const top = columns.flatMap(({ of, name }, place) =>
    of === null ? [`c${place} as ${quoted(name)}`] : [],
  )
  const groups = (['inputs', 'outputs'] as const).map((group) => {
    const fields = columns.flatMap(({ of, name }, place) =>
      of === group ? [`${quoted(name)} := c${place}`] : [],
    )
    return fields.length === 0
      ? `null as ${group}`
      : `struct_pack(${fields.join(', ')}) as ${group}`
  })
  await connection.run(
    `create table predictions as select ${[...top, ...groups].join(', ')} from told; drop table told`,
  )
}

function columnsOf(rows: readonly PredictionRow[]): Column[] {
  const top = (name: string, kind: Column['kind'], value: Column['value']): Column => ({
    of: null,
    name,
    kind,
    value,
  })
  const within = (of: 'inputs' | 'outputs') => {
    // Names that differ in nothing but their case are one to the engine: the first is kept.
    const names = new Map<string, string>()
    for (const row of rows)
      for (const name of Object.keys(row[of])) {
        const folded = name.toLowerCase()
        if (!names.has(folded)) names.set(folded, name)
      }
    return [...names.values()].map((name): Column => {
      const value = (row: PredictionRow) => row[of][name]
      return { of, name, kind: kindOf(rows, value), value }
    })
  }
  return [
    top('id', 'text', (row) => row.id),
    top('key', 'text', (row) => row.key),
    top('event_time', 'time', (row) => row.eventMs),
    top('latency_ms', 'number', (row) => row.latencyMs),
    top('model_version', 'text', (row) => row.modelVersion),
    top('revision', 'number', (row) => row.revision),
    top('label', kindOf(rows, labelOf), labelOf),
    ...within('inputs'),
    ...within('outputs'),
  ]
}

function labelOf(row: PredictionRow): PredictionRow['label'] {
  return row.label
}

function kindOf(rows: readonly PredictionRow[], value: Column['value']): Kind {
  const kinds = new Set<Kind>()
  for (const row of rows) {
    const found = value(row)
    if (found === null || found === undefined) continue
    if (typeof found === 'number' || typeof found === 'bigint') kinds.add('number')
    else if (typeof found === 'boolean') kinds.add('boolean')
    else kinds.add(isNumbers(found) ? 'numbers' : 'text')
  }
  const [only] = kinds
  if (kinds.size === 0) return 'number'
  return kinds.size === 1 && only !== undefined ? only : 'text'
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number')
}

function typeOf(duckdb: DuckDb, kind: Column['kind']): DuckDBType {
  if (kind === 'number') return duckdb.DOUBLE
  if (kind === 'boolean') return duckdb.BOOLEAN
  if (kind === 'time') return duckdb.TIMESTAMP_MS
  return kind === 'numbers' ? duckdb.LIST(duckdb.DOUBLE) : duckdb.VARCHAR
}

function valueOf(duckdb: DuckDb, { kind, value }: Column, row: PredictionRow): DuckDBValue {
  const found = value(row)
  if (found === null || found === undefined) return null
  if (kind === 'time') return new duckdb.DuckDBTimestampMillisecondsValue(BigInt(Number(found)))
  if (kind === 'number') return Number(found)
  if (kind === 'numbers') return duckdb.listValue([...(found as readonly number[])])
  if (kind === 'boolean') return found === true
  return typeof found === 'object' ? JSON.stringify(found) : String(found)
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
