import { spreadOf } from '../effect.ts'
import {
  CATEGORIES_MAX,
  emptyCounts,
  numericShape,
  plus,
  type CategoricalProfile,
  type ColumnProfile,
  type Counts,
  type Profile,
} from '../profile.ts'
import { newRoom, type Room } from '../numbers/room.ts'
import { numberCounter } from './counting.ts'
import { finiteOf } from './numbers.ts'
import type { Spans, SpanCounts, TableReader } from './reader.ts'

/** The types of columns that are numbers, by the engine's names. */
export function isNumericType(type: string): boolean {
  return /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/.test(type)
}

export function isCategoricalType(type: string): boolean {
  return /^(VARCHAR|UUID|BOOLEAN)$|^ENUM\(.*\)$/s.test(type)
}

/** As many numbers as are held at a time, of several columns together. */
const HELD_VALUES = 8_000_000

/** How far reading has come, in values. */
export type OnRead = (values: number) => void

/** The profile of a table, with the spread of its own spans where it has a time. */
export async function tableProfile(
  reader: TableReader,
  how: { columns: readonly string[]; spans: Spans | null; onRead?: OnRead },
): Promise<Profile> {
  const { columns, spans, onRead } = how
  const types = new Map(reader.columns.map(({ name, type }) => [name, type]))
  const period = spans === null ? undefined : await reader.period(spans.column)
  const found = new Map<string, ColumnProfile>()
  const numeric = columns.filter((column) => isNumericType(types.get(column) ?? ''))
  const room = newRoom()
  for (const group of groupsOf(numeric, reader.rows)) {
    const held = await heldNumbers(reader, { columns: group, spans, onRead, room })
    for (const [column, each] of held) {
      found.set(column, numericProfile(each))
      room.giveBack(each.values)
    }
  }
  for (const column of columns) {
    if (found.has(column)) continue
    const type = types.get(column)
    if (type !== undefined && isCategoricalType(type))
      found.set(column, await categoricalProfile(reader, column, spans))
    else found.set(column, { kind: 'other', reason: reasonForNone(type) })
    onRead?.(reader.rows)
  }
  return {
    version: 1,
    rows: reader.rows,
    time:
      period === undefined || spans === null
        ? null
        : { column: spans.column, windowMs: spans.sizeMs, ...period },
    columns: Object.fromEntries(
      columns.map((column) => [column, found.get(column) as ColumnProfile]),
    ),
  }
}

function reasonForNone(type: string | undefined): string {
  return type === undefined
    ? 'the reference does not have it'
    : `no statistic is for its type, ${type}`
}

/** Columns that are read together, so that no more than so many values are held. */
export function groupsOf(columns: readonly string[], rows: number): string[][] {
  const most = Math.max(1, Math.min(32, Math.floor(HELD_VALUES / Math.max(1, rows))))
  const groups: string[][] = []
  for (let at = 0; at < columns.length; at += most) groups.push(columns.slice(at, at + most))
  return groups
}

export interface HeldNumbers {
  /** Every row's value, in the order in which they came; not-a-number where it has none. */
  readonly values: Float64Array
  readonly spans: Float64Array | null
}

/** The values of some columns, all of them. */
export async function heldNumbers(
  reader: TableReader,
  {
    columns,
    spans,
    onRead,
    room,
  }: {
    columns: readonly string[]
    spans: Spans | null
    onRead?: OnRead | undefined
    /** Where the arrays of values are from. */
    room: Room
  },
): Promise<Map<string, HeldNumbers>> {
  const held = columns.map(() => room.take(reader.rows))
  const places = spans === null ? null : new Float64Array(reader.rows)
  let at = 0
  await reader.numbers(columns, spans, (some, spanNumbers) => {
    for (const [index, values] of some.entries()) held[index]?.set(values, at)
    if (spanNumbers !== null) places?.set(spanNumbers, at)
    const count = some[0]?.length ?? 0
    at += count
    onRead?.(count * columns.length)
  })
  return new Map(
    columns.map((column, index) => [
      column,
      { values: held[index] as Float64Array, spans: places },
    ]),
  )
}

function numericProfile({ values, spans }: HeldNumbers): ColumnProfile {
  const finite = finiteOf(values, () => new Float64Array(values.length))
  if (finite.values.length === 0)
    return { kind: 'other', reason: 'the reference has no value of it' }
  const column = numericShape(finite.values)
  if (!Number.isFinite(column.std))
    return { kind: 'other', reason: 'its values are too large to be added up' }
  const counter = numberCounter(column)
  counter.add(values, spans)
  const found = counter.found()
  const windows = [...found].filter(([span]) => span !== null).map(([, { counts }]) => counts)
  const whole = { ...column, counts: found.get(null)?.counts ?? emptyCounts(column) }
  return { ...whole, spread: spreadOf(whole, windows) }
}

async function categoricalProfile(
  reader: TableReader,
  name: string,
  spans: Spans | null,
): Promise<ColumnProfile> {
  const { names, distinct } = await reader.categories(name, CATEGORIES_MAX)
  if (names.length === 0) return { kind: 'other', reason: 'the reference has no value of it' }
  const column: CategoricalProfile = {
    kind: 'categorical',
    categories: names,
    distinct,
    counts: { bins: [], sums: [], missing: 0 },
    spread: null,
  }
  const found = await reader.counts(name, names, spans)
  const counts = found.map(countsIn).reduce(plus, emptyCounts(column))
  const whole = { ...column, counts }
  const windows = found.filter(({ span }) => span !== null).map(countsIn)
  return { ...whole, spread: spreadOf(whole, windows) }
}

export function countsIn({ counts, missing }: SpanCounts): Counts {
  return { bins: counts, sums: [], missing }
}
