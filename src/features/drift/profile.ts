import { jensenShannon } from '#base/shares'
import { wasserstein, type Atom } from '#statistics'
import { momentsOf } from './numbers/moments.ts'
import { quantilesOf } from './numbers/quantiles.ts'
import { comparedBins } from './standing.ts'

/** A file of rows; its name says the format, where the path does not. */
export interface DataFile {
  readonly path: string
  readonly name: string
}

/** Asks what columns of some files look like. */
export interface ProfileRequest {
  /** Files of one format: Parquet, CSV or JSON. */
  readonly files: readonly DataFile[]
  readonly columns: readonly string[]
  /** With a time column, how much windows of this length differ among themselves is measured too. */
  readonly time?: { readonly column: string; readonly windowMs: number }
}

/** What the reference looks like: everything that a window is compared with. Plain JSON. */
export interface Profile {
  readonly version: 1
  readonly rows: number
  readonly time: ProfileTime | null
  readonly columns: Readonly<Record<string, ColumnProfile>>
}

export interface ProfileTime {
  readonly column: string
  readonly windowMs: number
  readonly fromMs: number
  readonly toMs: number
}

export type ColumnProfile = NumericProfile | CategoricalProfile | OtherProfile

export interface NumericProfile {
  readonly kind: 'numeric'
  /** Bin i holds the values above `edges[i - 1]` up to `edges[i]`; the first and the last are open. */
  readonly edges: readonly number[]
  readonly counts: Counts
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly std: number
  readonly spread: Spread | null
}

export interface CategoricalProfile {
  readonly kind: 'categorical'
  /** One bin each, most frequent first, and a last bin for all others. */
  readonly categories: readonly string[]
  /** How many there are, those without a bin too; absent where nobody counted them. */
  readonly distinct?: number
  readonly counts: Counts
  readonly spread: Spread | null
}

/** A column that no statistic here is for; `reason` says why. */
export interface OtherProfile {
  readonly kind: 'other'
  readonly reason: string
}

/** What a prediction has in a column. */
export type Value = string | number | boolean

/** How often each bin was hit. Two of the same bins add up to a third. */
export interface Counts {
  readonly bins: readonly number[]
  /** Sum of the values in each bin; empty for categories. */
  readonly sums: readonly number[]
  /** Rows with no value, which includes not-a-number and infinities. */
  readonly missing: number
  /** Of how many lie up to an edge, where that is not counted but known from a sketch. */
  readonly variance?: number
}

/** How far single windows of the reference are from the rest of it: what is ordinary. */
export interface Spread {
  readonly windows: number
  readonly effect: Moments
  /** The same of the difference in the share of missing values. */
  readonly missing: Moments
}

export interface Moments {
  readonly mean: number
  readonly std: number
  readonly max: number
}

/** Twentieths: enough bins that a distance over them is near the one over the values. */
const BIN_COUNT = 20

/** More categories than this share one last bin. */
export const CATEGORIES_MAX = 50

/** A window of the reference with fewer values than this says nothing about what is ordinary. */
const SPREAD_VALUES_MIN = 30

/** Nor has one with less than this part of the usual number: the ends of the data cut it off. */
const SPREAD_PART_MIN = 0.25

/** Fewer windows than this have no spread to speak of. */
const SPREAD_WINDOWS_MIN = 5

export interface TimedNumber {
  readonly value: number
  readonly atMs: number | null
}

/** The profile of numbers at hand, as a profile of files has it for a column. */
export function numericProfileOf(
  numbers: readonly TimedNumber[],
  windowMs: number,
): NumericProfile | null {
  const finite = numbers.filter(({ value }) => Number.isFinite(value))
  if (finite.length === 0) return null
  const column = numericShape(Float64Array.from(finite, ({ value }) => value))
  const counts = countsOf(
    column,
    numbers.map(({ value }) => value),
  )
  const windows = Map.groupBy(
    numbers.filter(({ atMs }) => atMs !== null),
    ({ atMs }) => Math.floor((atMs as number) / windowMs),
  )
  const counted = [...windows.values()].map((window) =>
    countsOf(
      column,
      window.map(({ value }) => value),
    ),
  )
  const whole = { ...column, counts }
  return { ...whole, spread: spreadOf(whole, counted) }
}

/** Shares of the values that lie below each edge between bins. */
export const EDGE_LEVELS = Array.from(
  { length: BIN_COUNT - 1 },
  (_, index) => (index + 1) / BIN_COUNT,
)

/** How finite numbers lie, without counts of them in these bins. */
export function numericShape(values: Float64Array): NumericProfile {
  const { mean, variance, min, max } = momentsOf(values)
  return {
    kind: 'numeric',
    edges: [...new Set(quantilesOf(values, EDGE_LEVELS))],
    counts: { bins: [], sums: [], missing: 0 },
    min,
    max,
    mean,
    std: Math.sqrt(variance),
    spread: null,
  }
}

/**
 * How far two sets of counts of one column are apart. Numbers: the Wasserstein-1 distance in standard deviations
 * of the reference. Unlike distances over shares it does not saturate, so that a day of summer is told from a
 * cold day in winter although neither resembles the whole winter. Categories: the Jensen–Shannon distance.
 * Undefined when either side has no value.
 */
export function effectOf(
  column: NumericProfile | CategoricalProfile,
  reference: Counts,
  current: Counts,
): number | undefined {
  if (valuesOf(reference) === 0 || valuesOf(current) === 0) return undefined
  if (column.kind === 'categorical')
    return jensenShannon(comparedBins(column, reference), comparedBins(column, current))
  return wasserstein(atoms(reference), atoms(current)) / unitOf(column)
}

/** Leaves each window out in turn and measures how far it is from the others. */
export function spreadOf(
  column: NumericProfile | CategoricalProfile,
  windows: readonly Counts[],
): Spread | null {
  const least = Math.max(SPREAD_VALUES_MIN, SPREAD_PART_MIN * medianOf(windows.map(valuesOf)))
  const usable = windows.filter((window) => valuesOf(window) >= least)
  if (usable.length < SPREAD_WINDOWS_MIN) return null
  const rest = (window: Counts) => minus(column.counts, window)
  return {
    windows: usable.length,
    effect: spreadIn(usable.map((window) => effectOf(column, rest(window), window) ?? 0)),
    missing: spreadIn(
      usable.map((window) => Math.abs(missingShare(window) - missingShare(rest(window)))),
    ),
  }
}

function spreadIn(differences: readonly number[]): Moments {
  const { mean, variance, max } = momentsOf(differences)
  return { mean, std: Math.sqrt(variance), max }
}

export function valuesOf(counts: Counts): number {
  return counts.bins.reduce((all, count) => all + count, 0)
}

export function missingShare(counts: Counts): number {
  const rows = valuesOf(counts) + counts.missing
  return rows === 0 ? 0 : counts.missing / rows
}

export function emptyCounts(column: NumericProfile | CategoricalProfile): Counts {
  const length = binCountOf(column)
  return { bins: zeros(length), sums: column.kind === 'numeric' ? zeros(length) : [], missing: 0 }
}

/** Counts the values of one column of a window in the reference's bins. */
export function countsOf(
  column: NumericProfile | CategoricalProfile,
  values: Iterable<Value | null | undefined>,
): Counts {
  const bins = zeros(binCountOf(column))
  const sums = column.kind === 'numeric' ? zeros(bins.length) : []
  const place = placeIn(column)
  let missing = 0
  for (const value of values) {
    if (value === null || value === undefined || hasNoPlace(column, value)) {
      missing++
      continue
    }
    const bin = place(value)
    bins[bin] = (bins[bin] as number) + 1
    if (column.kind === 'numeric') sums[bin] = (sums[bin] as number) + Number(value)
  }
  return { bins, sums, missing }
}

function binCountOf(column: NumericProfile | CategoricalProfile): number {
  return (column.kind === 'numeric' ? column.edges : column.categories).length + 1
}

function placeIn(column: NumericProfile | CategoricalProfile): (value: Value) => number {
  if (column.kind === 'numeric') return (value) => binOf(column.edges, Number(value))
  const places = new Map(column.categories.map((category, index) => [category, index]))
  return (value) => places.get(String(value)) ?? column.categories.length
}

/** The counts of two spans that share no row. */
export function plus(one: Counts, other: Counts): Counts {
  return combined(one, other, (left, right) => left + right)
}

function minus(all: Counts, part: Counts): Counts {
  return combined(all, part, (left, right) => left - right)
}

function combined(
  one: Counts,
  other: Counts,
  combine: (left: number, right: number) => number,
): Counts {
  return {
    bins: one.bins.map((count, index) => combine(count, other.bins[index] as number)),
    sums: one.sums.map((sum, index) => combine(sum, other.sums[index] as number)),
    missing: combine(one.missing, other.missing),
    ...varianceOf(one, other),
  }
}

function varianceOf(one: Counts, other: Counts): Pick<Counts, 'variance'> {
  const variance = (one.variance ?? 0) + (other.variance ?? 0)
  return variance === 0 ? {} : { variance }
}

/** Each bin as one point at the mean of its own values, so that open bins count with what is in them. */
function atoms({ bins, sums }: Counts): Atom[] {
  return bins.flatMap((weight, index) =>
    weight === 0 ? [] : [{ at: (sums[index] as number) / weight, weight }],
  )
}

/** A column that never varied is measured against its own size. */
function unitOf(column: NumericProfile): number {
  if (column.std > 0) return column.std
  return column.mean === 0 ? 1 : Math.abs(column.mean)
}

/** The number of edges below the value. */
function binOf(edges: readonly number[], value: number): number {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((edges[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** What is no finite number, and in a column of numbers any text that is none: one of them would spoil every sum. */
function hasNoPlace({ kind }: NumericProfile | CategoricalProfile, value: Value): boolean {
  if (typeof value === 'string')
    return kind === 'numeric' && (value.trim() === '' || !Number.isFinite(Number(value)))
  return typeof value === 'number' && !Number.isFinite(value)
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0)
}
