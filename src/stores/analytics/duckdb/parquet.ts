import type { DuckDBDataChunk, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { invariant } from '#base/invariant'
import type { DuckDb, Session } from './engine.ts'
import { joined, name, numbered, sql, type Sql } from './sql.ts'

/** `time` is milliseconds since the epoch outside and a timestamp in UTC inside; `json` is any JSON value. */
export type ColumnType = 'text' | 'integer' | 'double' | 'boolean' | 'time' | 'json'

export interface Column {
  readonly name: string
  readonly type: ColumnType
}

export type ParquetTable = {
  readonly columns: readonly Column[]
  readonly orderBy?: readonly string[]
} & (
  | { readonly rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]> }
  /** Many rows at a time: turning to each of them alone costs more than to write it. */
  | { readonly pages: AsyncIterable<readonly (readonly unknown[])[]> }
)

// Row groups of 8192 rows: a reader of one day in a year skips all but the few that have it.

/** How many rows the engine takes in at a time. */
const CHUNK_ROWS = 2048

/** How many it holds before it works through them: all at the end would keep others waiting. */
const HELD_CHUNKS = 4

/** Writes rows to a new Parquet file, ordered if asked, and gives how many there were. */
export async function writeParquet(
  { duckdb, connection }: Session,
  file: string,
  table: ParquetTable,
): Promise<number> {
  const { columns, orderBy = [] } = table
  const definitions = columns.map((column) => sql`${name(column.name)} ${SQL_TYPES[column.type]}`)
  await connection.run(
    numbered(sql`create or replace temp table written (${joined(definitions, ', ')})`).text,
  )
  try {
    const appender = await connection.createAppender('written')
    const chunks = chunkWriter(duckdb, columns, appender)
    if ('rows' in table) for await (const row of table.rows) chunks.add(row)
    else for await (const page of table.pages) for (const row of page) chunks.add(row)
    chunks.flush()
    appender.closeSync()
    const order = orderBy.length === 0 ? sql`` : sql` order by ${joined(orderBy.map(name), ', ')}`
    await connection.run(
      numbered(
        sql`copy (from written${order}) to ${file} (format parquet, compression zstd, row_group_size 8192)`,
      ).text,
      [file],
    )
    return chunks.count()
  } finally {
    await connection.run('drop table if exists written')
  }
}

/** Gives rows to the engine many at a time, column by column. */
function chunkWriter(
  duckdb: DuckDb,
  columns: readonly Column[],
  appender: { appendDataChunk(chunk: DuckDBDataChunk): void; flushSync(): void },
) {
  const types = columns.map(({ type }) => chunkType(duckdb, type))
  const kinds = columns.map(({ type }) => type)
  const newChunk = () => columns.map((): DuckDBValue[] => [])
  let chunk = newChunk()
  let held = 0
  let count = 0
  let chunks = 0
  const flush = (): void => {
    if (held === 0) return
    const data = duckdb.DuckDBDataChunk.create(types, held)
    data.setColumns(chunk)
    appender.appendDataChunk(data)
    chunks += 1
    if (chunks % HELD_CHUNKS === 0) appender.flushSync()
    count += held
    chunk = newChunk()
    held = 0
  }
  return {
    add: (row: readonly unknown[]): void => {
      invariant(row.length === columns.length, 'a row has a value for each column')
      for (let index = 0; index < row.length; index += 1)
        (chunk[index] as DuckDBValue[]).push(toValue(duckdb, kinds[index], row[index]))
      held += 1
      if (held === CHUNK_ROWS) flush()
    },
    flush,
    count: () => count,
  }
}

const SQL_TYPES: Readonly<Record<ColumnType, Sql>> = {
  text: sql`varchar`,
  integer: sql`bigint`,
  double: sql`double`,
  boolean: sql`boolean`,
  time: sql`timestamptz`,
  json: sql`json`,
}

function chunkType(duckdb: DuckDb, type: ColumnType): DuckDBType {
  const types: Record<ColumnType, DuckDBType> = {
    text: duckdb.VARCHAR,
    integer: duckdb.BIGINT,
    double: duckdb.DOUBLE,
    boolean: duckdb.BOOLEAN,
    time: duckdb.TIMESTAMPTZ,
    json: duckdb.VARCHAR,
  }
  return types[type]
}

function toValue(duckdb: DuckDb, type: ColumnType | undefined, value: unknown): DuckDBValue {
  if (value === null || value === undefined) return null
  if (type === 'double' || type === 'text') return value as DuckDBValue
  if (type === 'json') return JSON.stringify(value)
  if (type === 'integer') return BigInt(value as number)
  if (type === 'time') return new duckdb.DuckDBTimestampTZValue(BigInt(value as number) * 1000n)
  return value as DuckDBValue
}
