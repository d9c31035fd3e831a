import { expect, test } from 'vitest'
import {
  addNumbers,
  categoricalCounts,
  decodeSketch,
  distinctOf,
  emptySketch,
  encodeSketch,
  isExact,
  merged,
  missingIn,
  numericCounts,
  quantilesOf,
  rankErrorOf,
  sketchOf,
  summaryOf,
  type ColumnSketch,
} from './index.ts'

const EDGES = Array.from({ length: 19 }, (_, index) => (index + 1) / 20)

test('a column of few different numbers is known exactly, however long it is', () => {
  const values = uniform(20_000, 1).map((value) => Math.floor(value * 1000))
  const sketch = sketchOf(values)
  expect(isExact(sketch)).toBe(true)
  const edges = EDGES.map((edge) => edge * 1000)
  expect(numericCounts(sketch, edges)).toEqual(plainCounts(values, edges))
  expect(distinctOf(sketch)).toBe(new Set(values).size)
  expect(rankErrorOf(sketch)).toBe(0)
})

test('ranks of many numbers are as near as the sketch says, whatever order they come in and however they are merged', () => {
  const orders: Record<string, (values: Float64Array) => Float64Array> = {
    'as they come': (values) => values,
    rising: (values) => values.toSorted(),
    falling: (values) => values.toSorted().toReversed(),
    'in saws': (values) => values.toSorted((one, other) => (one % 0.01) - (other % 0.01)),
  }
  const values = uniform(100_000, 2)
  const cases = Object.entries(orders).flatMap(([order, ordered]) =>
    [1, 24].map((parts) => ({ order, parts, ordered })),
  )
  const tooFar = cases.filter(({ parts, ordered }) => {
    const sketch = merged(split(ordered(values), parts).map(numbersOf))
    const stated = rankErrorOf(sketch)
    return worstRank(sketch, values) > 3.5 * stated || stated > 0.006 || stated === 0
  })
  expect(tooFar).toEqual([])
})

test('moments, ends and all that is counted stay exact', () => {
  const values = uniform(30_000, 3).map((value) => 1e6 + value)
  const parts = split(values, 7).map(numbersOf)
  parts.push(
    sketchOf([null, Number.NaN, Infinity, -Infinity, true, false, 'x', [1, 2], 3n, undefined]),
  )
  const sketch = merged(parts)
  const { rows, missing, numbers } = summaryOf(sketch)
  const all = [...values, 3]
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length
  const std = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length)
  expect({ rows, missing }).toEqual({ rows: 30_010, missing: 6 })
  expect(numbers?.mean).toBeCloseTo(mean, 6)
  expect(numbers?.std).toBeCloseTo(std, 6)
  expect(numbers).toMatchObject({ count: 30_001, min: 3, max: Math.max(...values) })
})

test('texts and booleans that say numbers are counted as these, all else is missing', () => {
  const sketch = sketchOf([true, '0.2', ' ', 'many', 0.7, null, '0.70'])
  expect(numericCounts(sketch, [0.5])).toEqual({ bins: [1, 3], sums: [0.2, 2.4], missing: 3 })
})

test('categories are counted exactly while they are few, and frequent ones among a million nearly', () => {
  const few = sketchOf(['a', 'b', 'a', 7, true, null])
  expect(categoricalCounts(few, ['a', '7', 'true'])).toEqual({
    bins: [2, 1, 1, 1],
    sums: [],
    missing: 1,
  })
  expect(categoricalCounts(few, ['b'])).toMatchObject({ bins: [1, 4, 1].slice(0, 2), missing: 1 })
  const many = emptySketch()
  const parts = Array.from({ length: 10 }, (_, part) =>
    sketchOf(
      Array.from({ length: 100_000 }, (__, row) => (row % 4 === 0 ? 'often' : `${part}-${row}`)),
    ),
  )
  const all = merged([many, ...parts])
  const { bins } = categoricalCounts(all, ['often', 'never'])
  expect(Math.abs((bins[0] as number) - 250_000)).toBeLessThan(1_000_000 / 256)
  expect(bins[1]).toBe(0)
  expect(bins.reduce((sum, count) => sum + count)).toBe(1_000_000)
  expect(Math.abs(distinctOf(all) / 750_001 - 1)).toBeLessThan(3 * 0.023)
})

test('different numbers are estimated from thousands to a hundred thousand', () => {
  const errors = [2000, 20_000, 200_000].map(
    (size) => Math.abs(distinctOf(numbersOf(uniform(size, size))) / size - 1) / 0.023,
  )
  expect(Math.max(...errors)).toBeLessThan(3)
})

test('long texts are told apart and take little room', () => {
  const long = 'a'.repeat(100_000)
  const sketch = sketchOf([long, `${long}b`, long])
  expect(categoricalCounts(sketch, [long, `${long}b`]).bins).toEqual([2, 1, 0])
  expect(encodeSketch(sketch).length).toBeLessThan(300)
})

test('a sketch is read as it was written, and goes on as if it had not been', () => {
  const kinds = {
    empty: emptySketch(),
    integers: sketchOf([3, 1, 3, -7, 0]),
    mixed: sketchOf(['ü', 'ü', null, 1.5, true, 2n ** 60n]),
    many: numbersOf(uniform(50_000, 5)),
    texts: sketchOf(Array.from({ length: 5000 }, (_, row) => `t${row % 3000}`)),
  }
  const more = numbersOf(uniform(9000, 6))
  for (const [kind, sketch] of Object.entries(kinds)) {
    const read = decodeSketch(encodeSketch(sketch))
    expect({ kind, bytes: encodeSketch(read) }).toEqual({ kind, bytes: encodeSketch(sketch) })
    const [goesOn, wentOn] = [merged([read, more]), merged([sketch, more])].map(encodeSketch)
    expect({ kind, bytes: goesOn }).toEqual({ kind, bytes: wentOn })
  }
  expect(() => decodeSketch(encodeSketch(kinds.many).subarray(0, 900))).toThrow(RangeError)
  expect(encodeSketch(kinds.many).length).toBeLessThan(20_000)
})

test('quantiles are values of the column', () => {
  const values = uniform(50_000, 8)
  const sketch = numbersOf(values)
  const [low, median, high] = quantilesOf(sketch, [0, 0.5, 1])
  expect([low, high]).toEqual([Math.min(...values), Math.max(...values)])
  expect(values).toContain(median)
  expect(median).toBeCloseTo(0.5, 1)
  expect(quantilesOf(sketchOf(['x']), [0.5])).toEqual([Number.NaN])
  expect(missingIn(sketch)).toBe(0)
})

function numbersOf(values: Float64Array): ColumnSketch {
  const sketch = emptySketch()
  addNumbers(sketch, values)
  return sketch
}

function worstRank(sketch: ColumnSketch, values: Float64Array): number {
  const [known, found] = [plainCounts([...values], EDGES), numericCounts(sketch, EDGES)]
  let [difference, worst] = [0, 0]
  for (const [bin, count] of known.bins.entries()) {
    difference += count - (found.bins[bin] as number)
    worst = Math.max(worst, Math.abs(difference))
  }
  return worst / values.length
}

function plainCounts(values: readonly number[] | Float64Array, edges: readonly number[]) {
  const bins = Array.from({ length: edges.length + 1 }, () => 0)
  const sums = bins.slice()
  for (const value of values) {
    const found = edges.findIndex((edge) => edge >= value)
    const bin = found === -1 ? edges.length : found
    bins[bin]! += 1
    sums[bin]! += value
  }
  return { bins, sums, missing: 0 }
}

function split(values: Float64Array, parts: number): Float64Array[] {
  const size = Math.ceil(values.length / parts)
  return Array.from({ length: parts }, (_, part) => values.slice(part * size, (part + 1) * size))
}

function uniform(count: number, seed: number): Float64Array {
  let state = seed
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  })
}
