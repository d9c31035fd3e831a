import { effectOf } from './effect.ts'
import {
  missingShare,
  valuesOf,
  type CategoricalProfile,
  type Counts,
  type Moments,
  type NumericProfile,
  type Profile,
} from './profile.ts'
import { benjaminiHochberg, chiSquareContingency, chiSquareSf } from '#statistics'
import { psi } from '#base/shares'
import { comparedBins } from './standing.ts'

/** What became of one feature in one window. */
export type FeatureVerdict = ComparedFeature | { feature: string; state: 'skipped'; reason: string }

export interface ComparedFeature {
  readonly feature: string
  readonly state: 'steady' | 'drifted'
  readonly measure: 'wasserstein' | 'jensen-shannon'
  /** Null when the window has no value of it. */
  readonly effect: number | null
  /** The effect that the feature must exceed to have drifted. */
  readonly threshold: number
  /** Difference in the share of missing values, and what it must exceed. */
  readonly missing: { readonly difference: number; readonly threshold: number }
  /** Chi-square contingency p, adjusted over the features of the window. */
  readonly p: number
  /** Population stability index over the same bins: many readers know it, no verdict uses it. */
  readonly psi: number | null
  readonly values: number
  /** How many windows of the reference the threshold was learnt from; 0 where there was no time to tell them apart. */
  readonly learntFrom: number
  /** Whether it is farther than any of those windows was, by more than chance; absent where there were none. */
  readonly unseen?: boolean
}

export interface DriftVerdict {
  readonly features: readonly FeatureVerdict[]
  readonly drifted: readonly string[]
  readonly compared: number
  /** Drifted of compared, or 0 when nothing could be compared. */
  readonly share: number
}

/** Effects below this are small whatever their significance. */
const EFFECT_MIN = 0.1

/** Share of false discoveries among the features of a window. */
export const FALSE_DISCOVERIES = 0.05

/**
 * Compares a window with the reference. A feature has drifted when its effect is large, more than three standard
 * deviations above what windows of the reference show among themselves, and not chance (chi-square, adjusted).
 */
export function driftOf(
  profile: Profile,
  window: ReadonlyMap<string, Counts>,
  { samplesMin }: { samplesMin: number },
): DriftVerdict {
  const candidates: Candidate[] = []
  const skipped: FeatureVerdict[] = []
  for (const [feature, column] of Object.entries(profile.columns)) {
    const current = window.get(feature)
    const reason = reasonToSkip(column, current, samplesMin)
    if (reason !== undefined || column.kind === 'other' || current === undefined)
      skipped.push({ feature, state: 'skipped', reason: reason ?? 'not in the window' })
    else candidates.push({ feature, column, current })
  }
  const ps = benjaminiHochberg(candidates.map(chanceOf))
  const compared = candidates.map((each, index) => verdictOf(each, ps[index] as number))
  const drifted = compared.filter(({ state }) => state === 'drifted').map(({ feature }) => feature)
  return {
    features: [...compared, ...skipped],
    drifted,
    compared: compared.length,
    share: compared.length === 0 ? 0 : drifted.length / compared.length,
  }
}

interface Candidate {
  readonly feature: string
  readonly column: NumericProfile | CategoricalProfile
  readonly current: Counts
}

function reasonToSkip(
  column: Profile['columns'][string],
  current: Counts | undefined,
  samplesMin: number,
): string | undefined {
  if (column.kind === 'other') return column.reason
  if (current === undefined) return 'the predictions do not have it'
  if (valuesOf(column.counts) === 0) return 'the reference has no value of it'
  if (isTooLarge(column, current)) return 'its values are too large to be added up'
  const rows = valuesOf(current) + current.missing
  return rows < samplesMin ? `${rows} rows are fewer than ${samplesMin}` : undefined
}

function isTooLarge(column: NumericProfile | CategoricalProfile, current: Counts): boolean {
  return column.kind === 'numeric' && ![column.std, ...current.sums].every(Number.isFinite)
}

function verdictOf({ feature, column, current }: Candidate, p: number): ComparedFeature {
  const effect = effectOf(column, column.counts, current) ?? null
  const threshold = Math.max(noiseFloorOf(column, current), thresholdOf(column.spread?.effect))
  const missing = {
    difference: Math.abs(missingShare(current) - missingShare(column.counts)),
    threshold: thresholdOf(column.spread?.missing),
  }
  const large = (effect !== null && effect > threshold) || missing.difference > missing.threshold
  return {
    feature,
    state: large && p <= FALSE_DISCOVERIES ? 'drifted' : 'steady',
    measure: column.kind === 'numeric' ? 'wasserstein' : 'jensen-shannon',
    effect,
    threshold,
    missing,
    p,
    psi:
      effect === null
        ? null
        : psi(comparedBins(column, column.counts), comparedBins(column, current)),
    values: valuesOf(current),
    learntFrom: column.spread?.windows ?? 0,
    ...(column.spread === null
      ? {}
      : {
          unseen:
            (effect ?? 0) > column.spread.effect.max + noiseFloorOf(column, current) ||
            missing.difference > Math.max(column.spread.missing.max, missing.threshold),
        }),
  }
}

function thresholdOf(ordinary: Moments | undefined): number {
  return ordinary === undefined
    ? EFFECT_MIN
    : Math.max(EFFECT_MIN, ordinary.mean + 3 * ordinary.std)
}

/** The effect to expect between two samples of one population, from their sizes alone. */
export function noiseFloorOf(column: NumericProfile | CategoricalProfile, current: Counts): number {
  const values = valuesOf(current)
  if (values === 0) return 0
  const inverse = 1 / valuesOf(column.counts) + 1 / values
  if (column.kind === 'numeric') return 1.29 * Math.sqrt(inverse)
  const used = comparedBins(column, column.counts).filter((count) => count > 0).length
  return Math.sqrt(((used - 1) / (8 * Math.LN2)) * inverse)
}

/** How likely the counts, missing values included, come from the reference's distribution. */
function chanceOf({ column, current }: Candidate): number {
  const [reference, cells] = [cellsOf(column, column.counts), cellsOf(column, current)]
  const found = chiSquareContingency(reference, cells)
  const blur = blurOf(reference, current)
  return blur === 0 ? found.p : chiSquareSf(found.statistic / (1 + blur), found.degreesOfFreedom)
}

/** What counts from a sketch add to the statistic by their own error, against what chance adds to it. */
function blurOf(reference: readonly number[], { bins, variance = 0, missing }: Counts): number {
  if (variance === 0) return 0
  const [all, rows] = [sumOf(reference), sumOf(bins) + missing]
  const used = reference.filter((count) => count > 0)
  // A bin lies between two edges, each of which may be off.
  const added = used.map((count) => (2 * variance) / (rows * (count / all)))
  return ((all / (all + rows)) * sumOf(added)) / Math.max(1, used.length - 1)
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0)
}

function cellsOf(column: Candidate['column'], counts: Counts): number[] {
  return [...comparedBins(column, counts), counts.missing]
}
