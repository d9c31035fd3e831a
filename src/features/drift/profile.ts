import { momentsOf } from './numbers/moments.ts'
import { quantilesOf } from './numbers/quantiles.ts'

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

export function minus(all: Counts, part: Counts): Counts {
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

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0)
}
