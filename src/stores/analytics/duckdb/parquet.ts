import type { DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { invariant } from '#base/invariant'
import type { DuckDb, Session } from './engine.ts'
import { joined, name, numbered, sql, type Sql } from './sql.ts'

/** `time` is milliseconds since the epoch outside and a timestamp in UTC inside; `json` is any JSON value. */
export type ColumnType = 'text' | 'integer' | 'double' | 'boolean' | 'time' | 'json'

export interface Column {
  readonly name: string
  readonly type: ColumnType
}

// Row groups of 8192 rows: a reader of one day in a year skips all but the few that have it.

/** How many rows the engine takes in at a time. */
const CHUNK_ROWS = 2048

/** Writes rows to a new Parquet file, ordered if asked, and gives how many there were. */
export async function writeParquet(
  { duckdb, connection }: Session,
  file: string,
  table: {
    columns: readonly Column[]
    rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>
    orderBy?: readonly string[]
  },
): Promise<number> {
  const { columns, orderBy = [] } = table
  const definitions = columns.map((column) => sql`${name(column.name)} ${SQL_TYPES[column.type]}`)
  await connection.run(
    numbered(sql`create or replace temp table written (${joined(definitions, ', ')})`).text,
  )
  try {
    const appender = await connection.createAppender('written')
    const types = columns.map((column) => chunkType(duckdb, column.type))
    let chunk: DuckDBValue[][] = []
    let count = 0
    const flush = () => {
      const data = duckdb.DuckDBDataChunk.create(types, chunk.length)
      data.setRows(chunk)
      appender.appendDataChunk(data)
      count += chunk.length
      chunk = []
    }
    for await (const row of table.rows) {
      invariant(row.length === columns.length, 'a row has a value for each column')
      chunk.push(row.map((value, index) => toValue(duckdb, columns[index]?.type, value)))
      if (chunk.length === CHUNK_ROWS) flush()
    }
    if (chunk.length > 0) flush()
    appender.closeSync()
    const order = orderBy.length === 0 ? sql`` : sql` order by ${joined(orderBy.map(name), ', ')}`
    await connection.run(
      numbered(
        sql`copy (from written${order}) to ${file} (format parquet, compression zstd, row_group_size 8192)`,
      ).text,
      [file],
    )
    return count
  } finally {
    await connection.run('drop table if exists written')
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
  if (type === 'json') return JSON.stringify(value)
  if (type === 'integer') return BigInt(value as number)
  if (type === 'time') return new duckdb.DuckDBTimestampTZValue(BigInt(value as number) * 1000n)
  return value as DuckDBValue
}
