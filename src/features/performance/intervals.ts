import { wilson } from '#statistics'
import { seededDraws } from '#base/seeded'
import type { Metric } from './tasks.ts'

/** 95 % confidence. */
export const Z = 1.959963984540054

/** A value without bounds, or the reason why there is none. */
export function bare(value: number | undefined, note?: string): Metric {
  const known = value !== undefined && Number.isFinite(value) ? value : null
  return { value: known, ciLow: null, ciHigh: null, ...(note === undefined ? {} : { note }) }
}

export function none(note: string): Metric {
  return bare(undefined, note)
}

/** A share with Wilson's interval; of nothing it is 0, as in scikit-learn, and a note says so. */
export function share(hits: number, of: number, note: string): Metric {
  if (of === 0) return bare(0, note)
  const { low, high } = wilson(hits, of)
  return { value: hits / of, ciLow: low, ciHigh: high }
}

/** A mean with the normal interval, and the same of a rising function of it. */
export function mean(
  terms: Float64Array,
  {
    of = (value) => value,
    range = EVERYTHING,
  }: { of?: (mean: number) => number; range?: Range } = {},
): Metric {
  const count = terms.length
  if (count === 0) return none('there are no rows')
  const centre = meanOf(terms)
  let squares = 0
  for (const term of terms) squares += (term - centre) ** 2
  const half = count < 2 ? Number.NaN : Z * Math.sqrt(squares / (count - 1) / count)
  return within(
    { value: of(centre), low: of(clipped(centre - half, range)), high: of(centre + half) },
    range,
  )
}

export type Range = readonly [number, number]

export const EVERYTHING: Range = [-Infinity, Infinity]
export const SHARE: Range = [0, 1]
export const POSITIVE: Range = [0, Infinity]
export const CORRELATION: Range = [-1, 1]

/** Bounds by a standard error. */
export function byError(value: number, error: number, range: Range = EVERYTHING): Metric {
  return within({ value, low: value - Z * error, high: value + Z * error }, range)
}

/** Bounds that lie in the metric's range; a bound that is not known is none. */
export function within(
  { value, low, high }: { value: number; low: number; high: number },
  range: Range,
): Metric {
  if (!Number.isFinite(value)) return none('it is not a finite number')
  const known = Number.isFinite(low) && Number.isFinite(high)
  return {
    value,
    ciLow: known ? clipped(low, range) : null,
    ciHigh: known ? clipped(high, range) : null,
  }
}

/** Fisher's interval of a correlation whose transform has this standard error. */
export function byFisher(value: number, error: number): Metric {
  if (!Number.isFinite(value)) return none('one of the two does not vary')
  if (!Number.isFinite(error) || Math.abs(value) >= 1) return bare(value)
  const middle = Math.atanh(value)
  return {
    value,
    ciLow: Math.tanh(middle - Z * error),
    ciHigh: Math.tanh(middle + Z * error),
  }
}

/** A quantile by linear interpolation, with the interval between two order statistics, which asks nothing of the distribution. */
export function quantile(sorted: Float64Array, at: number): Metric {
  const count = sorted.length
  if (count === 0) return none('there are no rows')
  const spread = Z * Math.sqrt(count * at * (1 - at))
  const low = Math.floor(count * at - spread) - 1
  const high = Math.ceil(count * at + spread)
  return {
    value: quantileOf(sorted, at),
    ciLow: low < 0 ? null : (sorted[low] as number),
    ciHigh: high >= count ? null : (sorted[high] as number),
  }
}

export function quantileOf(sorted: Float64Array, at: number): number {
  const place = at * (sorted.length - 1)
  const below = sorted[Math.floor(place)] as number
  const above = sorted[Math.ceil(place)] as number
  return below + (above - below) * (place - Math.floor(place))
}

/** How often rows are drawn anew. */
const RESAMPLES = 200

/** More rows than this are not drawn: the spread of fewer is scaled to that of all. */
const DRAWN_MAX = 2000

/**
 * Samples of rows, drawn with replacement and the same for the same number of rows: the bootstrap, of `drawn`
 * out of `rows` where there are many.
 */
export interface Resamples {
  readonly rows: number
  readonly drawn: number
  readonly samples: readonly Uint32Array[]
}

export function resamplesOf(
  rows: number,
  { bare: isBare }: { bare?: true | undefined } = {},
): Resamples {
  if (isBare === true) return { rows, drawn: 0, samples: [] }
  const draw = seededDraws(rows)
  const drawn = Math.min(rows, DRAWN_MAX)
  const samples = Array.from({ length: RESAMPLES }, () =>
    Uint32Array.from({ length: drawn }, () => Math.floor(draw() * rows)).toSorted(),
  )
  return { rows, drawn, samples }
}

/** Bounds by the spread that the metric has over samples of the rows. */
export function bootstrapped(
  value: number,
  { rows, drawn }: Resamples,
  values: readonly number[],
  range: Range,
): Metric {
  const known = values.filter((each) => Number.isFinite(each))
  if (known.length < RESAMPLES / 2) return within({ value, low: Number.NaN, high: 0 }, range)
  return byError(value, deviationOf(known) * Math.sqrt(drawn / rows), range)
}

/** Computes once, when first asked. */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

export function meanOf(values: ArrayLike<number>): number {
  let total = 0
  for (let index = 0; index < values.length; index++) total += values[index] as number
  return total / values.length
}

function deviationOf(values: readonly number[]): number {
  const centre = meanOf(values)
  let squares = 0
  for (const value of values) squares += (value - centre) ** 2
  return Math.sqrt(squares / (values.length - 1))
}

function clipped(value: number, [low, high]: Range): number {
  return Math.min(high, Math.max(low, value))
}
