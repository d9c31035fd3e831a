import { jensenShannon } from '#base/shares'
import { wasserstein, type Atom } from '#statistics'
import { momentsOf } from './numbers/moments.ts'
import {
  minus,
  missingShare,
  valuesOf,
  type CategoricalProfile,
  type Counts,
  type Moments,
  type NumericProfile,
  type Spread,
} from './profile.ts'
import { comparedBins } from './standing.ts'

/** A window of the reference with fewer values than this says nothing about what is ordinary. */
const SPREAD_VALUES_MIN = 30

/** Nor has one with less than this part of the usual number: the ends of the data cut it off. */
const SPREAD_PART_MIN = 0.25

/** Fewer windows than this have no spread to speak of. */
const SPREAD_WINDOWS_MIN = 5

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

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0
}
