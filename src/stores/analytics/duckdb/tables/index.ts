import type { DuckDBConnection, DuckDBResult, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { open } from 'node:fs/promises'
import { messageOf, Problem } from '#base/problem'
import type { TensorType, Value } from '#inference'
import { SETTINGS, type DuckDb } from '../engine.ts'
import { joined, name as quoted, numbered, sql, type Sql } from '../sql.ts'
import { cellReader } from './cells.ts'
import { readerOf, type Source } from './source.ts'

export { formatOf, type Source, type TableFormat } from './source.ts'

/** A column of the files, by the engine's name of its type. */
export interface SourceColumn {
  readonly name: string
  readonly type: string
}

/** Some rows, as they follow one another in one file. */
export interface Block {
  readonly rows: number
  /** The values of a column, as models take them. */
  cells(column: string): readonly Value[]
  /** The values of a column as they are written again. */
  kept(column: string): readonly DuckDBValue[]
}

/** A column of answers; `depth` counts the lists that each value is in. */
export interface NewColumn {
  readonly name: string
  readonly type: TensorType
  readonly depth: number
}

export interface NewRows {
  readonly count: number
  /** By column: those that are kept, then the new ones. A value is a scalar, or lists of such. */
  readonly kept: readonly (readonly DuckDBValue[])[]
  readonly added: readonly (readonly Value[])[]
}

export interface PartWriter {
  append(rows: NewRows): void
  /** Writes what was appended to a file, which is whole and on the disk when this resolves. */
  finish(path: string): Promise<void>
}

/** Files of rows, read and written block by block. */
export interface Tables {
  /** The columns of all the files together. Throws `invalid` for files that cannot be read. */
  columns(source: Source): Promise<SourceColumn[]>
  /** How many rows a file has, where that can be known without reading it. */
  count(source: Source, file: string): Promise<number | null>
  /** The rows of a file, in its order. */
  blocks(
    source: Source,
    file: string,
    span: { columns: readonly SourceColumn[]; skip: number; limit: number | null },
  ): AsyncGenerator<Block>
  part(
    source: Source,
    columns: { kept: readonly SourceColumn[]; added: readonly NewColumn[] },
  ): Promise<PartWriter>
  /** One file of all parts, in their order; CSV where its name ends so. */
  join(parts: readonly string[], path: string, format: 'parquet' | 'csv'): Promise<void>
  close(): void
}

/** Rows of a group of the files that are written. */
const GROUP_ROWS = 65_536

/** Opens the engine with one connection to read and one to write. */
export async function openTables(limits: {
  memoryMb: number
  threads: number
  spillFolder: string
}): Promise<Tables> {
  const duckdb = await import('@duckdb/node-api')
  const instance = await duckdb.DuckDBInstance.create(':memory:', {
    memory_limit: `${limits.memoryMb}MB`,
    threads: String(limits.threads),
    temp_directory: limits.spillFolder,
    ...SETTINGS,
  })
  const reading = await connected(instance)
  const writing = await connected(instance)
  return {
    columns: async (source) => {
      const found = await asked(
        reading,
        sql`describe select * from ${readerOf(source, source.files)}`,
      )
      return (await found.getRowObjectsJS()).map((row) => ({
        name: row['column_name'] as string,
        type: row['column_type'] as string,
      }))
    },
    count: async ({ format }, file) => {
      if (format !== 'parquet') return null
      const found = await asked(reading, sql`select num_rows from parquet_file_metadata(${file})`)
      return Number((await found.getRowObjectsJS())[0]?.['num_rows'] ?? 0)
    },
    blocks: (source, file, span) => blocksOf({ duckdb, connection: reading }, source, file, span),
    part: (source, columns) => partWriter(duckdb, writing, source, columns),
    join: async (parts, path, format) => {
      const how =
        format === 'csv'
          ? sql`(format csv, header)`
          : sql`(format parquet, compression zstd, row_group_size 65536)`
      const { text } = numbered(sql`copy (from read_parquet(${[...parts]})) to ${path} ${how}`)
      await writing.run(text, [duckdb.listValue([...parts]), path])
      await synced(path)
    },
    close: () => {
      reading.closeSync()
      writing.closeSync()
      instance.closeSync()
    },
  }

  async function asked(connection: DuckDBConnection, statement: Sql): Promise<DuckDBResult> {
    const { text, values } = numbered(statement)
    const bound = values.map((value) =>
      Array.isArray(value) ? duckdb.listValue([...(value as string[])]) : (value as DuckDBValue),
    )
    try {
      return await connection.stream(text, bound)
    } catch (error) {
      throw unreadable(error)
    }
  }
}

async function connected(instance: {
  connect(): Promise<DuckDBConnection>
}): Promise<DuckDBConnection> {
  const connection = await instance.connect()
  await connection.run("set TimeZone = 'UTC'")
  return connection
}

async function* blocksOf(
  { duckdb, connection }: { duckdb: DuckDb; connection: DuckDBConnection },
  source: Source,
  file: string,
  span: { columns: readonly SourceColumn[]; skip: number; limit: number | null },
): AsyncGenerator<Block> {
  const { columns, skip, limit } = span
  const own = await ownColumns(connection, { ...source, files: [file] }, columns)
  const chosen = joined(
    columns.map((column) => columnAs(column, own.has(column.name))),
    ', ',
  )
  const end = limit === null ? sql`` : sql` limit ${limit}`
  const start = skip === 0 ? sql`` : sql` offset ${skip}`
  const { text, values } = numbered(
    sql`select ${chosen} from ${readerOf(
      source,
      [file],
      columns.filter(({ name }) => own.has(name)),
    )}${end}${start}`,
  )
  const bound = values.map((value) =>
    Array.isArray(value)
      ? duckdb.listValue([...(value as string[])])
      : typeof value === 'number'
        ? BigInt(value)
        : (value as DuckDBValue),
  )
  try {
    const result = await connection.stream(text, bound)
    const places = new Map(columns.map((column, index) => [column.name, index]))
    const readers = columns.map((_, index) => cellReader(duckdb, result.columnType(index)))
    for await (const chunk of result) {
      if (chunk.rowCount === 0) continue
      const held = new Map<string, readonly DuckDBValue[]>()
      const kept = (column: string) => {
        const known = held.get(column) ?? chunk.getColumnValues(places.get(column) as number)
        held.set(column, known)
        return known
      }
      yield {
        rows: chunk.rowCount,
        kept,
        cells: (column) => {
          const read = readers[places.get(column) as number]
          return read === null || read === undefined
            ? (kept(column) as readonly Value[])
            : kept(column).map(read)
        },
      }
    }
  } catch (error) {
    throw unreadable(error)
  }
}

/** A file's own type may be narrower than that of all files together, and it may lack a column. */
function columnAs(column: SourceColumn, isThere: boolean): Sql {
  const value = isThere ? quoted(column.name) : sql`null`
  return sql`cast(${value} as ${typeText(column.type)}) as ${quoted(column.name)}`
}

/** Which of the columns a file has. */
async function ownColumns(
  connection: DuckDBConnection,
  source: Source,
  columns: readonly SourceColumn[],
): Promise<ReadonlySet<string>> {
  if (source.format === 'json') return new Set(columns.map((column) => column.name))
  const [file = ''] = source.files
  const reader = source.format === 'csv' ? 'read_csv($1, all_varchar = true)' : 'read_parquet($1)'
  try {
    const found = await connection.run(`describe select * from ${reader}`, [file])
    return new Set((await found.getRowObjectsJS()).map((row) => row['column_name'] as string))
  } catch (error) {
    throw unreadable(error)
  }
}

/** The engine's own words for a type, which it has just said. */
function typeText(type: string): Sql {
  return { parts: [type], values: [] }
}

async function partWriter(
  duckdb: DuckDb,
  connection: DuckDBConnection,
  source: Source,
  { kept, added }: { kept: readonly SourceColumn[]; added: readonly NewColumn[] },
): Promise<PartWriter> {
  const definitions = [
    ...kept.map((column) => sql`${quoted(column.name)} ${typeText(column.type)}`),
    ...added.map(
      (column) =>
        sql`${quoted(column.name)} ${typeText(SQL_TYPES[column.type] + '[]'.repeat(column.depth))}`,
    ),
  ]
  await connection.run(
    numbered(sql`create or replace temp table part (${joined(definitions, ', ')})`).text,
  )
  const shape = await connection.run('select * from part limit 0')
  const types = shape.columnTypes()
  const appender = await connection.createAppender('part')
  return {
    append: (rows) => {
      if (rows.count === 0) return
      const chunk = duckdb.DuckDBDataChunk.create(types, rows.count)
      for (const [index, values] of rows.kept.entries()) chunk.setColumnValues(index, values)
      for (const [index, values] of rows.added.entries()) {
        const at = kept.length + index
        chunk.setColumnValues(at, answersFor(duckdb, types[at] as DuckDBType, values))
      }
      appender.appendDataChunk(chunk)
    },
    finish: async (path) => {
      appender.closeSync()
      await connection.run(
        `copy part to $1 (format parquet, compression zstd, row_group_size ${GROUP_ROWS})`,
        [path],
      )
      await connection.run('drop table part')
      await synced(path)
    },
  }
}

const SQL_TYPES: Readonly<Record<TensorType, string>> = {
  bool: 'boolean',
  uint8: 'utinyint',
  uint16: 'usmallint',
  uint32: 'uinteger',
  uint64: 'ubigint',
  int8: 'tinyint',
  int16: 'smallint',
  int32: 'integer',
  int64: 'bigint',
  float16: 'float',
  float32: 'float',
  float64: 'double',
  string: 'varchar',
}

/** Values as the engine takes them for a type. */
function answersFor(duckdb: DuckDb, type: DuckDBType, values: readonly Value[]): DuckDBValue[] {
  if (type instanceof duckdb.DuckDBListType)
    return values.map((value) =>
      value === null
        ? null
        : duckdb.listValue(answersFor(duckdb, type.valueType, value as readonly Value[])),
    )
  const { BIGINT, UBIGINT } = duckdb.DuckDBTypeId
  if (type.typeId === BIGINT || type.typeId === UBIGINT)
    return values.map((value) => (value === null ? null : BigInt(value as number | bigint)))
  return values as DuckDBValue[]
}

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function unreadable(error: unknown): unknown {
  if (error instanceof Problem) return error
  return new Problem('invalid', `the rows cannot be read: ${messageOf(error)}`)
}
