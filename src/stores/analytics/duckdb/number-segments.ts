import type { DuckDBAppender, DuckDBDataChunk } from '@duckdb/node-api'
import { invariant } from '#base/invariant'
import type { LoggedRevision } from '#inference'
import type { NumberedBatch } from '#serving'
import type { DuckDb, Session } from './engine.ts'
import { joined, name, numbered, sql, type Sql } from './sql.ts'

/** How many rows the engine takes in at a time. */
const CHUNK_ROWS = 2048
/** Columns of each row before its inputs and outputs. */
const PLACE = 0
const REQUEST = 1
const VARIANT = 2
const EVENT_MS = 3
const AT_MS = 4
const LATENCY_MS = 5
const OWN = 6

/**
 * Writes batches of numbers as `writePredictions` writes rows. The engine gets them as they come, one double for each
 * value, and the names that rows share in tables of their own; it joins, casts and sorts them on its own threads.
 */
export async function writeNumbers(
  session: Session,
  file: string,
  pages: AsyncIterable<readonly NumberedBatch[] | undefined>,
): Promise<boolean> {
  let tables: Tables | undefined
  try {
    for await (const page of pages) {
      if (page === undefined) return false
      for (const numberedBatch of page) {
        tables ??= await openTables(session, numberedBatch)
        if (!tables.add(numberedBatch)) return false
      }
    }
    if (tables === undefined) return false
    await tables.write(file)
    return true
  } finally {
    await tables?.drop()
  }
}

type Tables = Awaited<ReturnType<typeof openTables>>

async function openTables(session: Session, { batch: first }: NumberedBatch) {
  const { duckdb, connection } = session
  const inputs = first.columns
  const outputs = namesOf(first.revision)
  const width = OWN + inputs.length + outputs.length
  const doubles = Array.from({ length: width }, (_, index) => sql`${own(index)} double`)
  await create(session, 'numbers', joined(doubles, ', '))
  await create(session, 'requests', TABLES.requests)
  await create(session, 'variants', TABLES.variants)
  const rows = numberWriter(duckdb, await connection.createAppender('numbers'), width)
  const requests = requestWriter(duckdb, await connection.createAppender('requests'))
  const variants = new Map<LoggedRevision, number>()
  const close = () => {
    rows.close()
    requests.close()
  }
  return {
    add: adder({ inputs, outputs, rows, requests, variants }),
    write: async (file: string): Promise<void> => {
      close()
      const columns = [
        ...inputs.map((of, index) => valueAs(`input.${of}`, rows.typed(OWN + index))),
        ...outputs.map((of, index) =>
          valueAs(`output.${of}`, rows.typed(OWN + inputs.length + index)),
        ),
      ]
      for (const [{ number, modelVersion, role }, variant] of variants)
        await session.rows(
          sql`insert into variants values (${variant}, ${number}, ${modelVersion}, ${role})`,
        )
      await session.rows(
        sql`copy (
            select ${joined([...OWN_COLUMNS, ...columns], ', ')} from numbers
            join requests on request = ${own(REQUEST)} join variants on variant = ${own(VARIANT)}
            order by event_ms, prediction, revision
          ) to ${file} (format parquet, compression lz4_raw, parquet_version v2, row_group_size 8192)`,
      )
    },
    drop: async (): Promise<void> => {
      close()
      for (const table of ['numbers', ...Object.keys(TABLES)])
        await session.rows(sql`drop table if exists ${name(table)}`)
    },
  }
}

/** Takes a batch in; false where it has other columns than the first. */
function adder(tables: {
  inputs: readonly string[]
  outputs: readonly string[]
  rows: ReturnType<typeof numberWriter>
  requests: ReturnType<typeof requestWriter>
  variants: Map<LoggedRevision, number>
}) {
  const { inputs, outputs, rows, requests, variants } = tables
  const fits = isUnique(inputs) && isUnique(outputs)
  const stride = inputs.length + 1
  const variantOf = (revision: LoggedRevision): number | undefined => {
    const known = variants.get(revision)
    if (known !== undefined) return known
    if (!areSame(namesOf(revision), outputs)) return undefined
    variants.set(revision, variants.size)
    return variants.size - 1
  }
  return ({ place, batch }: NumberedBatch): boolean => {
    const variant = variantOf(batch.revision)
    if (!fits || variant === undefined || !areSame(batch.columns, inputs)) return false
    const request = requests.add(batch.id)
    for (let row = 0; row < batch.rows; row++) {
      rows.own(PLACE, place + row)
      rows.own(REQUEST, request)
      rows.own(VARIANT, variant)
      rows.own(EVENT_MS, batch.inputs[row * stride] as number)
      rows.own(AT_MS, batch.atMs)
      rows.own(LATENCY_MS, batch.latencyMs)
      for (let at = 1; at < stride; at++)
        rows.value(OWN + at - 1, batch.inputs[row * stride + at] as number)
      for (let output = 0; output < outputs.length; output++)
        rows.value(OWN + stride - 1 + output, batch.outputs[output * batch.rows + row] as number)
      rows.next()
    }
    return true
  }
}

function valueAs(column: string, value: Sql): Sql {
  return sql`${value} as ${name(column)}`
}

function isUnique(names: readonly string[]): boolean {
  return new Set(names).size === names.length
}

function namesOf({ outputs }: LoggedRevision): string[] {
  return outputs.map((output) => output.name)
}

function areSame(one: readonly string[], other: readonly string[]): boolean {
  return (
    one === other ||
    (one.length === other.length && one.every((each, index) => each === other[index]))
  )
}

const own = (index: number) => name(`c${index}`)

const OWN_COLUMNS: readonly Sql[] = [
  sql`${own(PLACE)}::bigint as prediction`,
  sql`batch`,
  sql`revision`,
  sql`model_version`,
  sql`role`,
  sql`${own(EVENT_MS)}::bigint as event_ms`,
  sql`make_timestamptz(${own(EVENT_MS)}::bigint * 1000) as event_time`,
  sql`${own(AT_MS)}::bigint as at_ms`,
  sql`${own(LATENCY_MS)} as latency_ms`,
  sql`null::varchar as key`,
]

const TABLES = {
  requests: sql`request double, batch varchar`,
  variants: sql`variant double, revision bigint, model_version varchar, role varchar`,
}

async function create(
  { connection }: Session,
  table: 'numbers' | keyof typeof TABLES,
  columns: Sql,
): Promise<void> {
  await connection.run(numbered(sql`create or replace temp table ${name(table)} (${columns})`).text)
}

/** Fills one chunk again and again, and learns of each column whether it has gaps and whether all else is whole. */
function numberWriter(duckdb: DuckDb, appender: DuckDBAppender, width: number) {
  const seen = Array.from({ length: width }, () => ({ gap: false, number: false, whole: true }))
  const types = Array.from({ length: width }, () => duckdb.DOUBLE)
  const chunkOf = (rows: number) => {
    const chunk = duckdb.DuckDBDataChunk.create(types, rows)
    return { chunk, vectors: types.map((_, index) => doublesOf(duckdb, chunk, index)) }
  }
  const { chunk, vectors } = chunkOf(CHUNK_ROWS)
  let held = 0
  let isOpen = true
  const rest = (): void => {
    if (held === 0) return
    const last = chunkOf(held)
    for (const [index, vector] of last.vectors.entries()) {
      for (let row = 0; row < held; row++)
        vector.setItem(row, vectors[index]?.getItem(row) as number)
      vector.flush()
    }
    appender.appendDataChunk(last.chunk)
    held = 0
  }
  return {
    own: (column: number, value: number): void => vectors[column]?.setItem(held, value),
    value: (column: number, value: number): void => {
      vectors[column]?.setItem(held, value)
      const about = seen[column] as (typeof seen)[number]
      if (Number.isNaN(value)) about.gap = true
      else {
        about.number = true
        if (about.whole && !Number.isSafeInteger(value)) about.whole = false
      }
    },
    next: (): void => {
      held += 1
      if (held < CHUNK_ROWS) return
      for (const vector of vectors) vector.flush()
      appender.appendDataChunk(chunk)
      held = 0
    },
    /** The column in the narrowest type that holds all its values. */
    typed: (index: number): Sql => {
      const column = name(`c${index}`)
      const { gap, number, whole } = seen[index] as (typeof seen)[number]
      if (!number) return sql`null::varchar`
      const known = gap ? sql`case when isnan(${column}) then null else ${column} end` : column
      return whole ? sql`(${known})::bigint` : known
    },
    close: (): void => {
      if (!isOpen) return
      isOpen = false
      rest()
      appender.closeSync()
    },
  }
}

function doublesOf(duckdb: DuckDb, chunk: DuckDBDataChunk, column: number) {
  const vector = chunk.getColumnVector(column)
  invariant(vector instanceof duckdb.DuckDBDoubleVector, 'a column of doubles is a vector of them')
  return vector
}

/** Gives requests numbers, and the engine their names. */
function requestWriter(duckdb: DuckDb, appender: DuckDBAppender) {
  const types = [duckdb.DOUBLE, duckdb.VARCHAR]
  let names: string[] = []
  let count = 0
  let isOpen = true
  const flush = (): void => {
    if (names.length === 0) return
    const chunk = duckdb.DuckDBDataChunk.create(types, names.length)
    const first = count - names.length
    chunk.setColumns([names.map((_, index) => first + index), names])
    appender.appendDataChunk(chunk)
    names = []
  }
  return {
    add: (id: string): number => {
      names.push(id)
      count += 1
      if (names.length === CHUNK_ROWS) flush()
      return count - 1
    },
    close: (): void => {
      if (!isOpen) return
      isOpen = false
      flush()
      appender.closeSync()
    },
  }
}
