import type { DuckDBDataChunk } from '@duckdb/node-api'
import { invariant } from '#base/invariant'
import { messageOf, Problem } from '#base/problem'
import { passedBytes } from '#base/young-memory'
import {
  isCategoricalType,
  isNumericType,
  type Spans,
  type SpanCounts,
  type TableReader,
  type WholeRow,
} from '#drift'
import type { ColumnInfo, Table } from '#tables'
import type { Session } from '../engine.ts'
import { joined, name, numbered, sql, type Sql } from '../sql.ts'
import { unreadable } from '../tables/relation.ts'

/** A table that a session has opened. */
export interface Opened {
  readonly session: Session
  readonly table: Table
  readonly from: Sql
  readonly columns: readonly ColumnInfo[]
  readonly rows: number
}

export function tableReader(opened: Opened): TableReader {
  const { session, from, table } = opened
  const rows = (statement: Sql) =>
    session.rows(statement).catch((error: unknown) => {
      throw unreadable(table, error)
    })
  const timed = (column: string, statement: Sql) =>
    session.rows(statement).catch((error: unknown) => {
      throw new Problem(
        'invalid',
        `${column} of ${table.name} holds what is no time: ${messageOf(error).split('\n')[0]}`,
      )
    })
  return {
    name: table.name,
    rows: opened.rows,
    columns: opened.columns,
    numbers: (columns, spans, take) => streamed(opened, { columns, spans }, take),
    nulls: async (columns) => {
      const counts = columns.map((column, at) => sql`count(${name(column)}) as ${name(`c${at}`)}`)
      const [row] = await rows(sql`select ${joined(counts, ', ')} from ${from}`)
      return columns.map((_, at) => opened.rows - Number(row?.[`c${at}`] ?? 0))
    },
    categories: async (column, most) => {
      const found = await rows(
        sql`select x, count(*) over () as all from (
              select ${name(column)}::varchar as x, count(*) as n from ${from} where x is not null group by 1)
            order by n desc, x limit ${most}`,
      )
      return {
        names: found.map((row) => row['x'] as string),
        distinct: Number(found[0]?.['all'] ?? 0),
      }
    },
    counts: async (column, names, spans) =>
      spanCounts(
        await rows(
          sql`select span, case when x is null then -1 else coalesce(list_position(${names.length === 0 ? [''] : names}, x), 0) end as place,
                sum(n)::double as n
              from (select ${spanText(opened, spans)} as span, ${name(column)}::varchar as x, count(*) as n from ${from} group by all)
              group by all`,
        ),
        names.length,
      ),
    sample: (columns, of) => sampled(opened, columns, of),
    spans: async (spans) => {
      const found = await timed(
        spans.column,
        sql`select span, count(*) as n from (select ${spanText(opened, spans)} as span from ${from}) where span is not null group by span`,
      )
      return new Map(found.map((row) => [row['span'] as number, Number(row['n'])]))
    },
    period: async (column) => {
      const millis = millisOf(opened, column)
      const [row] = await timed(
        column,
        sql`select min(${millis})::double as least, max(${millis})::double as greatest from ${from}`,
      )
      return typeof row?.['least'] === 'number'
        ? { fromMs: row['least'], toMs: row['greatest'] as number }
        : undefined
    },
  }
}

/** Every row gets a number by its place and a lot by its number: the same ones are drawn each time. */
async function sampled(
  { session, from, columns: all, rows: count, table }: Opened,
  columns: readonly string[],
  { rows: wanted, seed }: { rows: number; seed: number },
): Promise<WholeRow[]> {
  const types = new Map(all.map((each) => [each.name, each.type]))
  const known = columns.filter((column) => isSampled(types.get(column) ?? ''))
  if (known.length === 0 || count === 0) return []
  const chosen = known.map((column, at) => {
    const type = types.get(column) ?? ''
    const value = isNumericType(type)
      ? sql`${name(column)}::double`
      : isCategoricalType(type)
        ? sql`${name(column)}::varchar`
        : sql`to_json(${name(column)})::varchar`
    return sql`${value} as ${name(`c${at}`)}`
  })
  const share = Math.min(1, (wanted * SPARE) / count)
  try {
    await session.connection.run('set preserve_insertion_order = true')
    const found = await session.rows(
      sql`select ${joined(chosen, ', ')} from (select *, row_number() over () as orrery_place from ${from})
          where hash(orrery_place, (${seed})::bigint) % 1000000 < (${share * 1e6})::double order by orrery_place`,
    )
    const step = Math.max(1, found.length / wanted)
    return Array.from({ length: Math.min(wanted, found.length) }, (_, index) =>
      rowOf(found[Math.floor(index * step)] ?? {}, known, types),
    )
  } catch (error) {
    throw unreadable(table, error)
  } finally {
    await session.connection.run('set preserve_insertion_order = false')
  }
}

/** So many times what is wanted is drawn, so that it is enough by chance. */
const SPARE = 1.1

function isSampled(type: string): boolean {
  return isNumericType(type) || isCategoricalType(type) || isNumbers(type)
}

/** Lists of numbers, and arrays of them. */
function isNumbers(type: string): boolean {
  const [, element] = /^(.+)\[\d*\]$/.exec(type) ?? []
  return element !== undefined && isNumericType(element)
}

function rowOf(
  row: Readonly<Record<string, unknown>>,
  columns: readonly string[],
  types: ReadonlyMap<string, string>,
): WholeRow {
  return Object.fromEntries(
    columns.map((column, at) => {
      const value = row[`c${at}`]
      const isList = isNumbers(types.get(column) ?? '') && typeof value === 'string'
      return [column, isList ? (JSON.parse(value) as unknown) : value]
    }),
  )
}

/** Rows as the engine hands them out, some thousand at a time, without an object for each value. */
async function streamed(
  opened: Opened,
  { columns, spans }: { columns: readonly string[]; spans: Spans | null },
  take: (values: readonly Float64Array[], spans: Float64Array | null) => void,
): Promise<void> {
  const { session, from, table } = opened
  const { duckdb, connection } = session
  const chosen = columns.map((column) => numberText(sql`${name(column)}::double`))
  if (spans !== null) chosen.push(numberText(spanText(opened, spans)))
  const { text, values: bound } = numbered(sql`select ${joined(chosen, ', ')} from ${from}`)
  const items = (chunk: DuckDBDataChunk, index: number): Float64Array => {
    const vector = chunk.getColumnVector(index)
    invariant(vector instanceof duckdb.DuckDBDoubleVector, 'every column is asked for as doubles')
    // Its array has no public name; a value at a time would cost more than to sort them.
    return vector['items']
  }
  const passed = passedBytes()
  try {
    const result = await connection.stream(
      text,
      bound.map((value) => value as number),
    )
    for (;;) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) return
      take(
        columns.map((_, index) => items(chunk, index)),
        spans === null ? null : items(chunk, columns.length),
      )
      passed(chunk.rowCount * chosen.length * Float64Array.BYTES_PER_ELEMENT)
    }
  } catch (error) {
    throw unreadable(table, error)
  }
}

function numberText(value: Sql): Sql {
  return sql`coalesce(${value}, 'nan'::double)`
}

/** The number of a row's span since the epoch; null for all rows where no spans are asked for. */
export function spanText(opened: Pick<Opened, 'columns' | 'table'>, spans: Spans | null): Sql {
  if (spans === null) return sql`null`
  return sql`floor(${millisOf(opened, spans.column)} / (${spans.sizeMs})::double)::double`
}

/** Numbers are milliseconds since the epoch; everything else is a time, or text of one, in UTC unless it says otherwise. */
function millisOf({ columns, table }: Pick<Opened, 'columns' | 'table'>, column: string): Sql {
  const type = columns.find((each) => each.name === column)?.type
  if (type === undefined)
    throw new Problem(
      'invalid',
      `${table.name} has no column ${column}; it has ${columns.map((each) => each.name).join(', ')}`,
    )
  if (isNumericType(type)) return sql`${name(column)}::bigint`
  if (!/^(VARCHAR|DATE|TIMESTAMP)/.test(type))
    throw new Problem('invalid', `${column} of ${table.name} is ${type} and no time`)
  return sql`epoch_ms(${name(column)}::timestamptz)`
}

interface CountedRow {
  readonly span: number | null
  /** 0 for what is none of the names, -1 for none at all. */
  readonly place: number
  readonly n: number
}

function spanCounts(rows: readonly unknown[], names: number): SpanCounts[] {
  const spans = Map.groupBy(rows as readonly CountedRow[], ({ span }) => span)
  return [...spans].map(([span, cells]) => {
    const counts = Array.from({ length: names + 1 }, () => 0)
    let missing = 0
    for (const { place, n } of cells)
      if (place === -1) missing += n
      else counts[(place + names) % (names + 1)] = n
    return { span, counts, missing }
  })
}
