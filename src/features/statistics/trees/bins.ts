import { invariant } from '#base/invariant'

/** A column that trees are grown on: numbers, or whole numbers that stand for categories. NaN is a missing value. */
export interface TreeColumn {
  readonly values: Float64Array
  readonly categorical: boolean
}

/** A column with each value replaced by the bin it lies in; the last bin is for missing values. */
export interface BinnedColumn {
  readonly categorical: boolean
  /** Numbers: the upper bound of each bin but the last. Categories: which one each bin is. */
  readonly bounds: Float64Array
  readonly bins: Uint8Array
  /** How many bins there are, with the one for missing values. */
  readonly count: number
  /** All bins but that one. */
  readonly ascending: Uint8Array
}

/** As LightGBM has it: more bins tell little more, and 255 fit a byte. */
const BINS_MAX = 254

export function binned({ values, categorical }: TreeColumn): BinnedColumn {
  const present = values.filter((value) => !Number.isNaN(value))
  const bounds = categorical ? commonest(present) : upperBounds(present.toSorted())
  const missing = categorical ? bounds.length : bounds.length + 1
  const bins = new Uint8Array(values.length)
  const places = categorical ? new Map(Array.from(bounds, (value, index) => [value, index])) : null
  for (const [row, value] of values.entries())
    bins[row] = Number.isNaN(value)
      ? missing
      : places === null
        ? binOf(bounds, value)
        : (places.get(value) ?? missing)
  invariant(missing <= 255, 'a bin fits a byte')
  const ascending = Uint8Array.from({ length: missing }, (_, bin) => bin)
  return { categorical, bounds, bins, count: missing + 1, ascending }
}

/** Bounds halfway between distinct values, so that about as many rows lie in each bin. */
function upperBounds(sorted: Float64Array): Float64Array {
  const bounds: number[] = []
  let [rest, room, filled] = [sorted.length, BINS_MAX, 0]
  const distinct = distinctIn(sorted)
  const few = distinct <= BINS_MAX
  for (let index = 1; index < sorted.length; index++) {
    filled++
    const [before, value] = [sorted[index - 1] as number, sorted[index] as number]
    if (value === before) continue
    if (!few && (filled < rest / room || bounds.length === BINS_MAX - 1)) continue
    bounds.push(between(before, value))
    rest -= filled
    room--
    filled = 0
  }
  return Float64Array.from(bounds)
}

/** Halfway, and never so near to the upper value that rounding makes it the same. */
function between(low: number, high: number): number {
  const middle = low + (high - low) / 2
  return middle < high ? middle : low
}

function distinctIn(sorted: Float64Array): number {
  let count = 0
  for (const [index, value] of sorted.entries()) if (value !== sorted[index - 1]) count++
  return count
}

/** The most frequent categories, which get a bin each; others count as missing. */
function commonest(values: Float64Array): Float64Array {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const ordered = [...counts].toSorted(([one, many], [other, more]) => more - many || one - other)
  return Float64Array.from(ordered.slice(0, BINS_MAX), ([value]) => value)
}

/** The number of bounds below the value. */
function binOf(bounds: Float64Array, value: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((bounds[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
