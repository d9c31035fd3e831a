import { messageOf, Problem } from '#base/problem'
import type { ColumnInfo, LoggedColumn, LoggedType, Table, TableFile } from '#tables'
import type { Session } from '../engine.ts'
import { checkEnds, checkEven } from './ragged.ts'
import { layoutsOf, type Layout } from './field-ids.ts'
import { name as quotedName, type Sql } from '../sql.ts'

/** A table opened for statements: `from` stands wherever a table may, as often as wanted. */
export interface OpenedTable {
  readonly from: Sql
  readonly columns: readonly ColumnInfo[]
  /** Whether the number of rows is known without reading them. */
  readonly isCounted: boolean
  /**
   * Text that stands where a table may, of rows chosen by chance: where they are counted one in so many, the same
   * ones each time; else so many.
   */
  readonly sample: (many: number) => Promise<string>
}

/** Small enough to look at every row for the types of CSV and JSON. */
const LOOK_AT_ALL_BYTES = 64 * 2 ** 20
const LOOK_AT_ROWS = 1_000_000

/**
 * Opens tables as views for as long as `use` runs. The views are of this session; statements may take
 * them apart and join them. Throws `invalid` for files that cannot be read.
 */
export async function withTables<T>(
  session: Session,
  tables: readonly Table[],
  use: (opened: readonly OpenedTable[]) => Promise<T>,
): Promise<T> {
  const views = tables.map((_, index) => `opened_${index}`)
  const once = async (thorough: boolean) => {
    const opened: OpenedTable[] = []
    for (const [index, table] of tables.entries())
      opened.push(await openTable(session, table, { view: views[index] as string, thorough }))
    return use(opened)
  }
  try {
    return await once(false)
  } catch (error) {
    if (
      !tables.some(isGuessed) ||
      !/could not convert|conversion error|could not transform/i.test(messageOf(error))
    )
      throw error
    // A row below those that were looked at is of another type: now all of them are.
    return await once(true)
  } finally {
    for (const view of views) {
      await session.connection.run(`drop view if exists ${view}`)
      await session.connection.run(`drop table if exists ${view}_deleted`)
    }
  }
}

/** One table, opened. */
export function withTable<T>(
  session: Session,
  table: Table,
  use: (opened: OpenedTable) => Promise<T>,
): Promise<T> {
  return withTables(session, [table], ([opened]) => use(opened as OpenedTable))
}

/** The columns that say where a row stands: its file, by its place among the table's, and its place in that. */
export const PLACES = { file: '__orrery_file', row: '__orrery_row' } as const

export interface Opening {
  readonly view: string
  /** Columns of CSV files that are text whatever they look like: 007 is no number there. */
  readonly texts?: readonly string[]
  /** Says of each row where it stands, under the names of `PLACES`; of text files the place is among all rows. */
  readonly places?: boolean
  /** Looks at every row of text files for the types. */
  readonly thorough?: boolean
}

/** One table as a view that stays for as long as the session does. */
export async function openTable(
  session: Session,
  table: Table,
  { view, texts = [], places = false, thorough = false }: Opening,
): Promise<OpenedTable> {
  try {
    if (table.files.length === 0) return await openEmpty(session, table, { view, places })
    if (table.columns?.some(({ id }) => id !== undefined) === true)
      return await openByIds(session, table, { view, places })
    const guessed = await described(session, readerText(table, { thorough }))
    await checkEven(session, table, {
      columns: guessed,
      sniffed: (file) => sniffedText(table, file, thorough),
    })
    const kept = guessed.filter(({ name, type }) => texts.includes(name) && type !== 'VARCHAR')
    const reader = readerText(table, { thorough, texts: kept.map(({ name }) => name) })
    const own = kept.length === 0 ? guessed : await described(session, reader)
    return await openRead(session, table, { reader, own, view, places })
  } catch (error) {
    if (/when sniffing file/i.test(messageOf(error))) await checkEnds(table)
    throw unreadable(table, error)
  }
}

interface Reading {
  /** Stands where a table may: all files as the engine reads them. */
  readonly reader: string
  /** What that has. */
  readonly own: readonly ColumnInfo[]
  readonly view: string
  readonly places: boolean
}

async function openRead(
  session: Session,
  table: Table,
  { reader, own, view, places }: Reading,
): Promise<OpenedTable> {
  if (table.files.some((file) => file.deletedRows !== undefined))
    await keepDeleted(session, table, `${view}_deleted`)
  const select = selectText(table, own, { reader, deleted: `${view}_deleted` })
  const whole = places ? `select ${placesText(table)}, ${select.slice('select '.length)}` : select
  await session.connection.run(`create or replace temp view ${view} as ${whole}`)
  const columns = await described(session, view)
  const isCounted = table.format === 'parquet'
  const sample = (many: number) =>
    many <= 1 ? Promise.resolve(view) : sampleText(session, { table, select, many })
  return { from: text(view), columns, isCounted, sample }
}

/** Files that have columns by numbers: those that call them alike are read together, and others beside them. */
async function openByIds(
  session: Session,
  table: Table,
  how: Pick<Reading, 'view' | 'places'>,
): Promise<OpenedTable> {
  const columns = table.columns ?? []
  const layouts = await layoutsOf(session, table, columns)
  const [only] = layouts
  if (layouts.length === 1 && only !== undefined) {
    const alike = { ...table, columns: only.columns }
    const reader = readerText(alike, { thorough: false })
    return openRead(session, alike, { ...how, reader, own: await described(session, reader) })
  }
  const parts: string[] = []
  for (const layout of layouts) parts.push(await layoutText(session, table, layout))
  const reader = `(${parts.join(' union all by name ')})`
  const named = { ...table, columns: columns.map((column) => asNamed(column)) }
  return openRead(session, named, { ...how, reader, own: await described(session, reader) })
}

/** The files of a layout with the columns as the log has them, and the places of files and rows in the whole table. */
async function layoutText(session: Session, table: Table, layout: Layout): Promise<string> {
  const files = layout.files.flatMap((index) => table.files[index] ?? [])
  const reader = readerText({ ...table, files }, { thorough: false })
  const own = new Map((await described(session, reader)).map(({ name, type }) => [name, type]))
  const partitions = new Set(table.partitions.map(({ name }) => name))
  const chosen = layout.columns
    .filter(({ name }) => !partitions.has(name))
    .map((column) => loggedText(column, own))
  const place = `([${layout.files.join(', ')}]::ubigint[])[read_rows.file_index::bigint + 1] as file_index`
  const all = [...chosen, place, 'read_rows.file_row_number as file_row_number']
  return `select ${all.join(', ')} from ${reader} as read_rows`
}

/** Whose columns have the names of the log already, deep within too. */
function asNamed({ name, type }: LoggedColumn): LoggedColumn {
  return { name, physical: name, type: namedType(type) }
}

function namedType(type: LoggedType): LoggedType {
  if (type.kind === 'list') return { ...type, of: namedType(type.of) }
  if (type.kind === 'map')
    return { ...type, key: namedType(type.key), value: namedType(type.value) }
  return type.kind === 'struct' ? { ...type, fields: type.fields.map(asNamed) } : type
}

/** Whether types are those of the first rows only. */
function isGuessed({ format, sizeBytes }: Table): boolean {
  return format !== 'parquet' && sizeBytes > LOOK_AT_ALL_BYTES
}

/** A version without a file has the columns of its log, and no row. */
async function openEmpty(
  session: Session,
  table: Table,
  { view, places }: { view: string; places: boolean },
): Promise<OpenedTable> {
  const values = [
    ...(places ? [`null::bigint as ${PLACES.file}`, `null::bigint as ${PLACES.row}`] : []),
    ...(table.columns ?? []).map(
      ({ name, type }) => `null::${typeText(type)} as ${identifier(name)}`,
    ),
  ]
  await session.connection.run(
    `create or replace temp view ${view} as select ${values.join(', ')} where false`,
  )
  const columns = await described(session, view)
  return { from: text(view), columns, isCounted: true, sample: () => Promise.resolve(view) }
}

function placesText(table: Table): string {
  const row = table.format === 'parquet' ? 'read_rows.file_row_number' : 'row_number() over () - 1'
  return `read_rows.file_index as ${PLACES.file}, ${row} as ${PLACES.row}`
}

/** The reader's own words, with the table that was meant. */
export function unreadable(table: Table, error: unknown): unknown {
  if (error instanceof Problem) return error
  const said = messageOf(error)
  // A file of the cache has a name that tells people nothing.
  const file = table.files.find(({ path }) => said.includes(path))
  const words = file === undefined ? said : said.replaceAll(file.path, file.name)
  // After that come its settings and the statement, which nobody wrote who reads this.
  const [first = ''] = words.trim().split(/\n\s*\n/)
  return new Problem(
    'invalid',
    `${table.name} cannot be read as a table: ${first.replaceAll('\n', '; ')}${adviceFor(first)}`,
  )
}

function adviceFor(said: string): string {
  return said.includes('not utf-8 encoded')
    ? ' Write it as UTF-8, for example with `iconv -f latin1 -t utf8`.'
    : ''
}

async function described(session: Session, relation: string): Promise<ColumnInfo[]> {
  const rows = await session.rows(text(`describe select * from ${relation}`))
  return rows.map((row) => ({
    name: row['column_name'] as string,
    type: row['column_type'] as string,
  }))
}

function selectText(
  table: Table,
  own: readonly ColumnInfo[],
  { reader, deleted }: { reader: string; deleted: string },
): string {
  const source = `${reader} as read_rows`
  const live = table.files.some((file) => file.deletedRows !== undefined)
    ? ` anti join ${deleted} on ${deleted}.file = read_rows.file_index and ${deleted}.place = read_rows.file_row_number`
    : ''
  return `select ${chosenText(table, own)} from ${source}${live}`
}

/** The engine skips what is not chosen by its place in a Parquet file; other files it has to read anyway. */
async function sampleText(
  session: Session,
  { table, select, many }: { table: Table; select: string; many: number },
): Promise<string> {
  if (table.format !== 'parquet')
    return `(select * from (${select}) tablesample reservoir(${many} rows) repeatable (42))`
  const { ranges, share } = await chosenGroups(session, table)
  const most = (2n ** 64n - 1n) / BigInt(Math.max(1, Math.round(many * share)))
  const chance = `hash(read_rows.file_row_number, read_rows.file_index) <= ${most}::ubigint`
  const inside = ranges.map(([from, to]) => `read_rows.file_row_number between ${from} and ${to}`)
  return `(${select} where ${inside.length === 0 ? '' : `(${inside.join(' or ')}) and `}${chance})`
}

/** Row groups that a sample is of at least: they are far fewer than rows, so what is sorted needs many. */
const GROUPS_MIN = 24

/** Some of the row groups of a large file, one of each few that follow one another; none for all of them. */
async function chosenGroups(
  session: Session,
  { files }: Table,
): Promise<{ ranges: [number, number][]; share: number }> {
  const [file] = files
  const none = { ranges: [], share: 1 }
  if (file === undefined || files.length > 1) return none
  const found = await session.rows(
    text(
      `select any_value(row_group_num_rows) as n from parquet_metadata(${literal(file.path)}) group by row_group_id order by row_group_id`,
    ),
  )
  const step = Math.floor(found.length / GROUPS_MIN)
  if (step < 2) return none
  let start = 0
  const groups = found.map((row): [number, number] => {
    const from = start
    start += Number(row['n'])
    return [from, start - 1]
  })
  const ranges = groups.filter((_, at) => at % step === spread(Math.floor(at / step)) % step)
  const rows = ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)
  return rows === 0 ? none : { ranges, share: rows / start }
}

/** Without a pattern that data could share, and the same each time. */
function spread(at: number): number {
  return Math.imul(at + 1, 2_654_435_761) >>> 16
}

function chosenText(table: Table, own: readonly ColumnInfo[]): string {
  const partitions = new Map(
    table.partitions.map(({ name, type }, index) => [
      name,
      `${constantText(table, index, type)} as ${identifier(name)}`,
    ]),
  )
  if (table.columns !== undefined) {
    const types = new Map(own.map((column) => [column.name, column.type]))
    return table.columns
      .map((column) => partitions.get(column.name) ?? loggedText(column, types))
      .join(', ')
  }
  const kept = own
    .filter(({ name }) => !partitions.has(name))
    .map(({ name }) => `read_rows.${identifier(name)}`)
  return [...kept, ...partitions.values()].join(', ')
}

/** The value of a partition in a row's file: a file has one for all its rows. */
function constantText(table: Table, partition: number, type: LoggedType): string {
  const isBinary = type.kind === 'plain' && type.name === 'binary'
  const values = table.files.map((file) => {
    const value = file.values[partition]
    if (value === null || value === undefined) return 'null'
    return literal(isBinary ? Buffer.from(value, 'latin1').toString('hex') : value)
  })
  const chosen =
    new Set(values).size === 1
      ? `${values[0]}::varchar`
      : `([${values.join(', ')}]::varchar[])[read_rows.file_index::bigint + 1]`
  return isBinary ? `unhex(${chosen})` : `${chosen}::${typeText(type)}`
}

/** A column of a log, by the name that the files have it by; what no file has is missing in every row. */
function loggedText(column: LoggedColumn, own: ReadonlyMap<string, string>): string {
  const as = ` as ${identifier(column.name)}`
  if (column.physical === undefined || !own.has(column.physical))
    return `null::${typeText(column.type)}${as}`
  const value = `read_rows.${identifier(column.physical)}`
  return `${isRenamed(column.type) ? renamed(value, column.type) : value}::${typeText(column.type)}${as}`
}

function isRenamed(type: LoggedType): boolean {
  if (type.kind === 'list') return isRenamed(type.of)
  if (type.kind === 'map') return isRenamed(type.key) || isRenamed(type.value)
  if (type.kind !== 'struct') return false
  return type.fields.some((field) => field.name !== field.physical || isRenamed(field.type))
}

/** A nested value with the names that the log gives to what is in it. */
function renamed(value: string, type: LoggedType, depth = 0): string {
  if (!isRenamed(type)) return value
  const each = `e${depth}`
  if (type.kind === 'list')
    return `list_transform(${value}, lambda ${each}: ${renamed(each, type.of, depth + 1)})`
  if (type.kind === 'map') {
    const pair = `${each}.key, value: ${renamed(`${each}.value`, type.value, depth + 1)}`
    return `map_from_entries(list_transform(map_entries(${value}), lambda ${each}: {key: ${pair}}))`
  }
  if (type.kind !== 'struct') return value
  const fields = type.fields.map(({ name, physical, type: of }) => {
    const found =
      physical === undefined
        ? `null::${typeText(of)}`
        : renamed(`${value}.${identifier(physical)}`, of, depth + 1)
    return `${identifier(name)} := ${found}`
  })
  return `case when ${value} is null then null else struct_pack(${fields.join(', ')}) end`
}

async function keepDeleted(session: Session, table: Table, into: string): Promise<void> {
  const { connection, duckdb } = session
  await connection.run(`create or replace temp table ${into} (file bigint, place bigint)`)
  const appender = await connection.createAppender(into)
  const types = [duckdb.BIGINT, duckdb.BIGINT]
  for (const [index, { deletedRows = new Uint32Array() }] of table.files.entries())
    for (let at = 0; at < deletedRows.length; at += 2048) {
      const places = deletedRows.subarray(at, at + 2048)
      const chunk = duckdb.DuckDBDataChunk.create(types, places.length)
      chunk.setColumnValues(
        0,
        Array.from(places, () => BigInt(index)),
      )
      chunk.setColumnValues(1, Array.from(places, BigInt))
      appender.appendDataChunk(chunk)
    }
  appender.closeSync()
}

/** The files as the engine reads them, columns matched by name. */
function readerText(
  table: Table,
  { texts = [], thorough }: { texts?: readonly string[]; thorough: boolean },
): string {
  const paths = `[${table.files.map(({ path }) => literal(path)).join(', ')}]`
  const common = 'union_by_name = true, hive_partitioning = false'
  if (table.format === 'parquet') return `read_parquet(${paths}, ${common})`
  const reader = table.format === 'csv' ? 'read_csv' : 'read_json'
  const looked = lookedRows(table, thorough)
  const types =
    table.format === 'csv' && texts.length > 0
      ? `, types = {${texts.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')}}`
      : ''
  return `${reader}(${paths}, ${common}, sample_size = ${looked}, compression = '${PACKINGS[table.packing]}'${types})`
}

function lookedRows(table: Table, thorough: boolean): number {
  return isGuessed(table) && !thorough ? LOOK_AT_ROWS : -1
}

/** What the engine makes of the lines of a file: how many it passes over, and what stands between values. */
function sniffedText(table: Table, file: TableFile, thorough: boolean): string {
  const how = `sample_size = ${lookedRows(table, thorough)}, compression = '${PACKINGS[table.packing]}'`
  return `select "SkipRows" as skipped, "Delimiter" as delimiter, len("Columns")::integer as columns, "Columns"[1].name as name from sniff_csv(${literal(file.path)}, ${how})`
}

const PACKINGS = { none: 'uncompressed', gzip: 'gzip', zstd: 'zstd' } as const

/** The engine's name of a type. */
export function typeText(type: LoggedType): string {
  if (type.kind === 'decimal') return `decimal(${type.precision}, ${type.scale})`
  if (type.kind === 'list') return `${typeText(type.of)}[]`
  if (type.kind === 'map') return `map(${typeText(type.key)}, ${typeText(type.value)})`
  if (type.kind === 'struct')
    return `struct(${type.fields.map((field) => `${identifier(field.name)} ${typeText(field.type)}`).join(', ')})`
  return PLAIN_TYPES[type.name]
}

const PLAIN_TYPES = {
  string: 'varchar',
  byte: 'tinyint',
  short: 'smallint',
  integer: 'integer',
  long: 'bigint',
  float: 'float',
  double: 'double',
  boolean: 'boolean',
  binary: 'blob',
  date: 'date',
  timestamp: 'timestamptz',
  timestamp_ntz: 'timestamp',
} as const

/** Text as a value of a statement that cannot take parameters, such as a view's. */
export function literal(value: string): string {
  if (value.includes('\0')) throw new Problem('invalid', 'a path has a NUL character')
  return `'${value.replaceAll("'", "''")}'`
}

function identifier(name: string): string {
  return quotedName(name).parts[0] as string
}

function text(verbatim: string): Sql {
  return { parts: [verbatim], values: [] }
}
