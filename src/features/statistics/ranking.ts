import { invariant } from '#base/invariant'
import { normalCdf, normalQuantile } from './distributions.ts'

/** 1 for the event, 0 for its absence. */
export type Label = 0 | 1

export interface Auc {
  readonly auc: number
  readonly variance: number
  readonly ciLow: number
  readonly ciHigh: number
}

/** Area under the ROC curve with DeLong's variance (1988); ties count half. Undefined without both classes. */
export function aucOf(
  labels: readonly Label[],
  scores: readonly number[],
  confidence = 0.95,
): Auc | undefined {
  const placed = placements(labels, scores)
  if (placed === undefined) return undefined
  const variance =
    covariance(placed.positive, placed.positive) / placed.positive.length +
    covariance(placed.negative, placed.negative) / placed.negative.length
  const half = normalQuantile(1 - (1 - confidence) / 2) * Math.sqrt(variance)
  return {
    auc: placed.auc,
    variance,
    ciLow: Math.max(0, placed.auc - half),
    ciHigh: Math.min(1, placed.auc + half),
  }
}

export interface AucComparison {
  readonly candidate: number
  readonly champion: number
  /** Candidate minus champion. */
  readonly difference: number
  readonly ciLow: number
  readonly ciHigh: number
  readonly z: number
  /** Two-sided p-value that the two areas are the same. */
  readonly p: number
  /** One-sided: how sure it is that the candidate is better by more than `by`, 0 to 1. */
  readonly confidence: number
}

/** DeLong's test of two scores for the same labels. Undefined without both classes. */
export function compareAucs(
  pairs: {
    labels: readonly Label[]
    candidate: readonly number[]
    champion: readonly number[]
  },
  { by = 0, level = 0.95 }: { by?: number; level?: number } = {},
): AucComparison | undefined {
  const one = placements(pairs.labels, pairs.candidate)
  const other = placements(pairs.labels, pairs.champion)
  if (one === undefined || other === undefined) return undefined
  const difference = one.auc - other.auc
  const variance =
    varianceOfDifference(one.positive, other.positive) / one.positive.length +
    varianceOfDifference(one.negative, other.negative) / one.negative.length
  const deviation = Math.sqrt(variance)
  const half = normalQuantile(1 - (1 - level) / 2) * deviation
  const z = standardised(difference, deviation)
  return {
    candidate: one.auc,
    champion: other.auc,
    difference,
    ciLow: difference - half,
    ciHigh: difference + half,
    z,
    p: Math.min(1, 2 * normalCdf(-Math.abs(z))),
    confidence: normalCdf(standardised(difference - by, deviation)),
  }
}

export interface Placements {
  readonly auc: number
  /** For each row of the class: the share of the other class that it is ranked rightly against. */
  readonly positive: Float64Array
  readonly negative: Float64Array
}

/** Placement values by midranks, after Sun and Xu (2014): one sort instead of all pairs. */
export function placements(
  labels: ArrayLike<number>,
  scores: readonly number[],
): Placements | undefined {
  invariant(labels.length === scores.length, 'each label has a score')
  const positives = scores.filter((_, index) => labels[index] === 1)
  const negatives = scores.filter((_, index) => labels[index] === 0)
  if (positives.length === 0 || negatives.length === 0) return undefined
  const among = midranks([...positives, ...negatives])
  const ownPositive = midranks(positives)
  const ownNegative = midranks(negatives)
  const positive = ownPositive.map(
    (own, index) => ((among[index] as number) - own) / negatives.length,
  )
  const negative = ownNegative.map(
    (own, index) => 1 - ((among[positives.length + index] as number) - own) / positives.length,
  )
  return { auc: mean(positive), positive, negative }
}

/** Ranks from 1 in the order given; equal values share the mean of their ranks. */
export function midranks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, index) => index).toSorted(
    (i, j) => (values[i] as number) - (values[j] as number),
  )
  const ranks = new Float64Array(values.length)
  for (let start = 0; start < order.length;) {
    const value = values[order[start] as number]
    let end = start + 1
    while (end < order.length && values[order[end] as number] === value) end++
    for (let position = start; position < end; position++)
      ranks[order[position] as number] = (start + end + 1) / 2
    start = end
  }
  return ranks
}

function varianceOfDifference(one: Float64Array, other: Float64Array): number {
  const differences = one.map((value, index) => value - (other[index] as number))
  return covariance(differences, differences)
}

/** Sample covariance; 0 for a single pair, which says nothing about spread. */
function covariance(one: Float64Array, other: Float64Array): number {
  if (one.length < 2) return 0
  const first = mean(one)
  const second = mean(other)
  let all = 0
  for (const [index, value] of one.entries())
    all += (value - first) * ((other[index] as number) - second)
  return all / (one.length - 1)
}

/** With no spread at all a difference is certain, and no difference is a coin toss. */
function standardised(difference: number, deviation: number): number {
  if (deviation > 0) return difference / deviation
  return difference === 0 ? 0 : Math.sign(difference) * Number.MAX_VALUE
}

function mean(values: Float64Array): number {
  return values.reduce((all, value) => all + value, 0) / values.length
}
