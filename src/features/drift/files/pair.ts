import { summaryOf, type Sample } from './numbers.ts'
import type { CategorySummary, ColumnKind, SideSummary } from './report.ts'

/** One column on both sides, ready for statistics. */
export type Pair = NumericPair | CategoricalPair | IncomparablePair

interface Sided {
  readonly column: string
  readonly types: { readonly reference: string | null; readonly current: string | null }
  readonly reference: SideCounts
  readonly current: SideCounts
}

/** How many rows a side has, and how many of them without a value that can be compared. */
export interface SideCounts {
  readonly rows: number
  readonly missing: number
  readonly notFinite: number
}

export interface NumericPair extends Sided {
  readonly kind: 'numeric'
  readonly samples: { readonly reference: Sample; readonly current: Sample }
}

export interface CategoricalPair extends Sided {
  readonly kind: 'categorical'
  readonly tally: Tally
}

/** A column that one side lacks, or that has a type which no statistic is for. */
export interface IncomparablePair extends Sided {
  readonly kind: 'incomparable'
  readonly reason: string
}

/** Rows by category. The category at a place is the same on both sides; the most frequent of the reference come first. */
export interface Tally {
  readonly reference: Float64Array
  readonly current: Float64Array
  /** The first categories by name; the others were never read. */
  readonly names: readonly string[]
  /** Some categories that only one side has. */
  readonly alone: { readonly reference: readonly string[]; readonly current: readonly string[] }
}

export function kindOf(pair: Pair): ColumnKind {
  return pair.kind === 'incomparable' ? 'other' : pair.kind
}

/** What the two sides hold. */
export function summariesOf(pair: Pair): {
  reference: SideSummary | null
  current: SideSummary | null
} {
  const of = (side: 'reference' | 'current'): SideSummary | null =>
    pair.types[side] === null
      ? null
      : {
          ...pair[side],
          numbers: pair.kind === 'numeric' ? summaryOf(pair.samples[side]) : null,
          categories: pair.kind === 'categorical' ? categoriesOf(pair.tally, side) : null,
        }
  return { reference: of('reference'), current: of('current') }
}

function categoriesOf(tally: Tally, side: 'reference' | 'current'): CategorySummary {
  const own = tally[side]
  const other = tally[side === 'reference' ? 'current' : 'reference']
  let distinct = 0
  let categories = 0
  let rows = 0
  for (let index = 0; index < own.length; index++) {
    const count = own[index] as number
    if (count === 0) continue
    distinct++
    if (other[index] !== 0) continue
    categories++
    rows += count
  }
  return { distinct, alone: { categories, rows, some: tally.alone[side] } }
}

/** How many values a side has that can be compared. */
export function valuesIn(
  pair: NumericPair | CategoricalPair,
  side: 'reference' | 'current',
): number {
  const { rows, missing, notFinite } = pair[side]
  return rows - missing - notFinite
}

/** Why no statistic can say anything of a column; undefined where one may. */
export function reasonNotToJudge(pair: NumericPair | CategoricalPair): string | undefined {
  if (valuesIn(pair, 'reference') === 0) return 'the reference has no value of it'
  if (valuesIn(pair, 'current') === 0) return 'the current rows have no value of it'
  const isTooLarge = (['reference', 'current'] as const).some(
    (side) => pair.kind === 'numeric' && !Number.isFinite(pair.samples[side].std),
  )
  return isTooLarge ? 'its values are too large to be added up' : undefined
}
