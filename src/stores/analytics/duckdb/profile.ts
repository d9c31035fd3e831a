import { Problem } from '#base/problem'
import {
  CATEGORIES_MAX,
  EDGE_LEVELS,
  emptyCounts,
  isCategoricalType,
  isNumericType,
  plus,
  spreadOf,
  type CategoricalProfile,
  type ColumnProfile,
  type Counts,
  type NumericProfile,
  type Profile,
  type ProfileRequest,
  type DataFile,
  type ProfileTime,
} from '#drift'
import type { SampledRow, SampledValue } from '#monitoring'
import type { Row, Session } from './engine.ts'
import { joined, name, rowsOf, sql, type Sql } from './sql.ts'

/** Up to here quantiles are exact; beyond, holding all values of a column would take more than the engine may. */
const EXACT_QUANTILES_ROWS_MAX = 2_000_000

/** Profiles columns of some files: one scan for what the numbers are like, one for each column's bins. */
export async function profileOf(session: Session, request: ProfileRequest): Promise<Profile> {
  const source = rowsOf(request.files)
  const types = await typesOf(session, source, request)
  const [total] = await session.rows(sql`select count(*)::double as n from ${source}`)
  const rows = total?.['n'] as number
  const time =
    request.time === undefined
      ? null
      : await timeOf(session, source, {
          ...request.time,
          type: types.get(request.time.column) ?? '',
        })
  const table: Table = { session, source, rows, time }
  const columns: Record<string, ColumnProfile> = {}
  for (const column of request.columns)
    columns[column] = await columnOf(table, column, types.get(column) ?? '')
  return { version: 1, rows, time: time?.span ?? null, columns }
}

/** The names of a file's columns. */
export async function columnNames(session: Session, file: DataFile): Promise<string[]> {
  const described = await session.rows(sql`describe select * from ${rowsOf([file])}`)
  return described.map((row) => row['column_name'] as string)
}

/** Every so many-th row in the order of time, so that at most `rowsMax` are taken. */
export async function sampleOf(
  session: Session,
  request: ProfileRequest & { rowsMax: number },
): Promise<SampledRow[]> {
  const source = rowsOf(request.files)
  const types = await typesOf(session, source, request)
  const [total] = await session.rows(sql`select count(*)::double as n from ${source}`)
  const step = Math.max(1, Math.ceil((total?.['n'] as number) / request.rowsMax))
  const column = request.time?.column
  const time = column === undefined ? sql`null` : millisOf(column, types.get(column) ?? '')
  // Aliases by number: a column of the data may have any name.
  const values = request.columns.map((each, index) => sql`${name(each)} as ${name(`c${index}`)}`)
  const rows = await session.rows(
    sql`select t, ${joined(
      request.columns.map((_, index) => name(`c${index}`)),
      ', ',
    )} from (
          select *, row_number() over (order by t, place) as number from (
            select ${time} as t, row_number() over () as place, ${joined(values, ', ')} from ${source}))
        where (number - 1) % ${step} = 0 order by number`,
  )
  return rows.map((row) => ({
    atMs: typeof row['t'] === 'number' ? row['t'] : null,
    values: Object.fromEntries(
      request.columns.map((each, index) => [each, valueOf(row[`c${index}`])]),
    ),
  }))
}

/** A value as callers of a model send it. */
function valueOf(value: unknown): SampledValue {
  if (Array.isArray(value)) return value.map(valueOf)
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return null
  return typeof value === 'object' ? JSON.stringify(value) : (value as string | number | boolean)
}

interface Table {
  readonly session: Session
  readonly source: Sql
  readonly rows: number
  readonly time: Timed | null
}

interface Timed {
  readonly span: ProfileTime
  /** A row's time in milliseconds. */
  readonly millis: Sql
}

async function typesOf(
  { rows }: Session,
  source: Sql,
  request: ProfileRequest,
): Promise<Map<string, string>> {
  const described = await rows(sql`describe select * from ${source}`)
  const types = new Map(
    described.map((row) => [row['column_name'] as string, row['column_type'] as string]),
  )
  const wanted = [...request.columns, ...(request.time === undefined ? [] : [request.time.column])]
  const absent = wanted.filter((column) => !types.has(column))
  if (absent.length > 0)
    throw new Problem(
      'invalid',
      `the data has no column ${absent.join(', ')}; it has ${[...types.keys()].join(', ')}`,
      { absent },
    )
  return types
}

async function timeOf(
  { rows }: Session,
  source: Sql,
  { column, windowMs, type }: NonNullable<ProfileRequest['time']> & { type: string },
): Promise<Timed | null> {
  const millis = millisOf(column, type)
  const [span] = await rows(
    sql`select min(${millis})::double as first, max(${millis})::double as last from ${source}`,
  )
  if (typeof span?.['first'] !== 'number') return null
  return {
    span: { column, windowMs, fromMs: span['first'], toMs: span['last'] as number },
    millis,
  }
}

/** Numbers are milliseconds since the epoch; everything else is a time, or text of one, in UTC unless it says otherwise. */
function millisOf(column: string, type: string): Sql {
  return isNumericType(type)
    ? sql`${name(column)}::bigint`
    : sql`epoch_ms(${name(column)}::timestamptz)`
}

async function columnOf(table: Table, column: string, type: string): Promise<ColumnProfile> {
  if (isNumericType(type)) return numericOf(table, column)
  if (isCategoricalType(type)) return categoricalOf(table, column)
  return { kind: 'other', reason: `no statistic is for its type, ${type}` }
}

async function numericOf(table: Table, column: string): Promise<ColumnProfile> {
  const { session, source } = table
  const value = sql`${name(column)}::double`
  const quantiles =
    table.rows > EXACT_QUANTILES_ROWS_MAX
      ? sql`approx_quantile(x, ${EDGE_LEVELS})`
      : sql`quantile_cont(x, ${EDGE_LEVELS})`
  const [summary] = await session.rows(
    sql`select min(x) as min, max(x) as max, avg(x) as mean, stddev_pop(x) as std, ${quantiles} as edges
        from (select ${value} as x from ${source}) where isfinite(x)`,
  )
  if (typeof summary?.['min'] !== 'number')
    return { kind: 'other', reason: 'the reference has no value of it' }
  const profile: NumericProfile = {
    kind: 'numeric',
    edges: [...new Set(summary['edges'] as number[])],
    counts: { bins: [], sums: [], missing: 0 },
    min: summary['min'],
    max: summary['max'] as number,
    mean: summary['mean'] as number,
    std: summary['std'] as number,
    spread: null,
  }
  const above = profile.edges.map((edge) => sql`(x > ${edge})::integer`)
  return counted(
    profile,
    await session.rows(
      sql`select span, case when isfinite(x) then ${joined(above, ' + ')} else -1 end as bin,
            count(*)::double as n, sum(x) as total
          from (select ${spanOf(table)} as span, ${value} as x from ${source}) group by all`,
    ),
  )
}

async function categoricalOf(table: Table, column: string): Promise<ColumnProfile> {
  const { session, source } = table
  const value = sql`${name(column)}::varchar`
  const found = await session.rows(
    sql`select x, count(*) over ()::double as distinct from (select ${value} as x from ${source})
        where x is not null group by x order by count(*) desc, x limit ${CATEGORIES_MAX}`,
  )
  if (found.length === 0) return { kind: 'other', reason: 'the reference has no value of it' }
  const profile: CategoricalProfile = {
    kind: 'categorical',
    categories: found.map((row) => row['x'] as string),
    distinct: found[0]?.['distinct'] as number,
    counts: { bins: [], sums: [], missing: 0 },
    spread: null,
  }
  // A category's position in the list counts from 1, and 0 is none of them.
  return counted(
    profile,
    await session.rows(
      sql`select span, case when x is null then -1
            else (coalesce(list_position(${profile.categories}, x), 0) + ${found.length})
              % (${found.length} + 1) end as bin,
            count(*)::double as n, null as total
          from (select ${spanOf(table)} as span, ${value} as x from ${source}) group by all`,
    ),
  )
}

/** The number of a row's window since the epoch; null for all rows when there is no time. */
function spanOf({ time }: Table): Sql {
  if (time === null) return sql`null`
  return sql`floor(${time.millis} / ${time.span.windowMs})::double`
}

/** Puts counts by window and bin together: their total, and how much the windows differ. */
function counted<Column extends NumericProfile | CategoricalProfile>(
  column: Column,
  cells: readonly Row[],
): Column {
  const windows = new Map<unknown, Counts>()
  for (const { span, bin, n, total } of cells) {
    const counts = windows.get(span) ?? emptyCounts(column)
    windows.set(span, added(counts, { bin, n, total } as Cell))
  }
  const counts = [...windows.values()].reduce(plus, emptyCounts(column))
  const timed = [...windows].filter(([span]) => span !== null).map(([, each]) => each)
  const whole = { ...column, counts }
  return { ...whole, spread: spreadOf(whole, timed) }
}

interface Cell {
  /** -1 for missing values. */
  readonly bin: number
  readonly n: number
  readonly total: number | null
}

function added(counts: Counts, { bin, n, total }: Cell): Counts {
  if (bin === -1) return { ...counts, missing: counts.missing + n }
  return {
    ...counts,
    bins: counts.bins.map((count, index) => (index === bin ? count + n : count)),
    sums: counts.sums.map((sum, index) => (index === bin ? sum + (total ?? 0) : sum)),
  }
}
