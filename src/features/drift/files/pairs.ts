import { newRoom, type Room } from '../numbers/room.ts'
import { finiteOf, sampleOf, type Finite } from './numbers.ts'
import type { Pair, SideCounts } from './pair.ts'
import type { PairReader, Spans, TableReader } from './reader.ts'
import {
  groupsOf,
  heldNumbers,
  isCategoricalType,
  isNumericType,
  type HeldNumbers,
  type OnRead,
} from './table-profile.ts'

/** A column of two tables; under null with all current rows, under the number of a span with those in it. */
export interface SpannedPair {
  readonly column: string
  readonly bySpan: ReadonlyMap<number | null, Pair>
}

export interface PairRequest {
  readonly columns: readonly string[]
  /** The spans of the current rows that are wanted each for itself. */
  readonly wanted: { readonly spans: Spans; readonly numbers: readonly number[] } | null
  readonly onRead: OnRead
}

/** Columns one after another, so that few of them are held at a time. */
export async function* pairsOf(
  reader: PairReader,
  request: PairRequest,
): AsyncGenerator<SpannedPair> {
  const { reference, current } = reader
  const { columns, onRead } = request
  const [one, other] = [typesIn(reference), typesIn(current)]
  const bothAre = (column: string, is: (type: string) => boolean) =>
    is(one.get(column) ?? '') && is(other.get(column) ?? '')
  const numeric = columns.filter((column) => bothAre(column, isNumericType))
  const room = newRoom()
  for (const group of groupsOf(numeric, reference.rows + current.rows))
    yield* numericPairs(reader, { ...request, columns: group, room })
  for (const column of columns.filter((each) => !numeric.includes(each))) {
    const types = { reference: one.get(column) ?? null, current: other.get(column) ?? null }
    if (bothAre(column, isCategoricalType))
      yield await categoricalPairs(reader, { column, types, wanted: request.wanted })
    else yield { column, bySpan: new Map([[null, incomparable(reader, { column, types })]]) }
    onRead(reference.rows + current.rows)
  }
}

async function* numericPairs(
  { reference, current }: PairReader,
  { columns, wanted, onRead, room }: PairRequest & { room: Room },
): AsyncGenerator<SpannedPair> {
  const one = await heldNumbers(reference, { columns, spans: null, onRead, room })
  const spans = wanted?.spans ?? null
  const other = await heldNumbers(current, { columns, spans, onRead, room })
  const [oneTypes, otherTypes] = [typesIn(reference), typesIn(current)]
  for (const column of columns) {
    const [old, now] = [one.get(column) as HeldNumbers, other.get(column) as HeldNumbers]
    one.delete(column)
    other.delete(column)
    const parts = partsOf(now, wanted?.numbers ?? [])
    const before = finiteOf(old.values, () => old.values)
    const sample = sampleOf(before.values, room)
    const shared = {
      kind: 'numeric' as const,
      column,
      types: {
        reference: oneTypes.get(column) ?? null,
        current: otherTypes.get(column) ?? null,
      },
      reference: await gapsOf(reference, column, before),
    }
    const bySpan = new Map<number | null, Pair>()
    const add = async (span: number | null, values: Float64Array) => {
      const rows = values.length
      const finite = finiteOf(values, () => values)
      bySpan.set(span, {
        ...shared,
        current: span === null ? await gapsOf(current, column, finite) : gapsIn(finite, rows),
        samples: { reference: sample, current: sampleOf(finite.values, room) },
      })
    }
    await add(null, now.values)
    for (const [span, values] of parts) await add(span, values)
    yield { column, bySpan }
    // Whoever asked for the pairs has taken what they need from this one.
    room.giveBack(sample.sorted)
    for (const pair of bySpan.values())
      if (pair.kind === 'numeric') room.giveBack(pair.samples.current.sorted)
  }
}

/** The values of each span, in arrays of their own. */
function partsOf(
  { values, spans }: HeldNumbers,
  numbers: readonly number[],
): Map<number, Float64Array> {
  if (spans === null) return new Map()
  const places = new Map(numbers.map((number, index) => [number, index]))
  const sizes = new Uint32Array(numbers.length)
  for (const span of spans) {
    const place = places.get(span)
    if (place !== undefined) sizes[place] = (sizes[place] as number) + 1
  }
  const parts = Array.from(sizes, (size) => new Float64Array(size))
  const filled = new Uint32Array(numbers.length)
  for (let index = 0; index < values.length; index++) {
    const place = places.get(spans[index] as number)
    if (place === undefined) continue
    const at = filled[place] as number
    ;(parts[place] as Float64Array)[at] = values[index] as number
    filled[place] = at + 1
  }
  return new Map(numbers.map((number, index) => [number, parts[index] as Float64Array]))
}

async function categoricalPairs(
  reader: PairReader,
  {
    column,
    types,
    wanted,
  }: { column: string; types: Pair['types']; wanted: PairRequest['wanted'] },
): Promise<SpannedPair> {
  const { reference, current } = reader
  const pairAt = async (at: { spans: Spans; span: number } | null, rows: number): Promise<Pair> => {
    const tally = await reader.tally(column, at)
    return {
      kind: 'categorical',
      column,
      types,
      reference: gapsBy(reference.rows, tally.reference),
      current: gapsBy(rows, tally.current),
      tally,
    }
  }
  const bySpan = new Map<number | null, Pair>([[null, await pairAt(null, current.rows)]])
  if (wanted === null) return { column, bySpan }
  const sizes = await current.spans(wanted.spans)
  for (const span of wanted.numbers)
    bySpan.set(span, await pairAt({ spans: wanted.spans, span }, sizes.get(span) ?? 0))
  return { column, bySpan }
}

function incomparable(
  { reference, current }: PairReader,
  { column, types }: { column: string; types: Pair['types'] },
): Pair {
  return {
    kind: 'incomparable',
    column,
    types,
    reason: reasonNotToCompare(types),
    reference: { rows: reference.rows, missing: 0, notFinite: 0 },
    current: { rows: current.rows, missing: 0, notFinite: 0 },
  }
}

function reasonNotToCompare({ reference, current }: Pair['types']): string {
  if (reference === null) return 'the reference does not have it'
  if (current === null) return 'the current rows do not have it'
  return reference === current
    ? `no statistic is for its type, ${reference}`
    : `its type has changed: ${reference} in the reference, ${current} in the current rows`
}

/** Gaps are told from not-a-number where there is any of either; asking costs a scan. */
async function gapsOf(reader: TableReader, column: string, finite: Finite): Promise<SideCounts> {
  const { rows } = reader
  const { notANumber, infinite } = finite
  if (notANumber === 0) return { rows, missing: 0, notFinite: infinite }
  const missing = (await reader.nulls([column]))[0] as number
  return { rows, missing, notFinite: notANumber - missing + infinite }
}

/** Of a span what is not-a-number counts as missing. */
function gapsIn({ notANumber, infinite }: Finite, rows: number): SideCounts {
  return { rows, missing: notANumber, notFinite: infinite }
}

function gapsBy(rows: number, counts: Float64Array): SideCounts {
  return { rows, missing: rows - counts.reduce((all, each) => all + each, 0), notFinite: 0 }
}

function typesIn(side: TableReader): Map<string, string> {
  return new Map(side.columns.map(({ name, type }) => [name, type]))
}
