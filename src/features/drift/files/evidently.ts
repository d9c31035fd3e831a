import { chiSquareSf, kolmogorovSmirnov, normalSf, wassersteinOf } from '#statistics'
import { jensenShannon } from '#base/shares'
import { distinctUpTo, tallied, type Sample } from './numbers.ts'
import { valuesIn, type CategoricalPair, type NumericPair, type Pair } from './pair.ts'
import { verdictOf, type StatisticReport } from './report.ts'

/**
 * What Evidently's data drift preset says of a column: its choice by type and size, its thresholds, and its way of
 * looking at a file, which is how pandas reads it.
 */
export function evidentlyStatistics(pair: Pair): Judged {
  if (pair.kind === 'incomparable') return { reason: pair.reason }
  const empty = (['reference', 'current'] as const).find((side) => valuesIn(pair, side) === 0)
  if (empty !== undefined) return { reason: `the ${empty} has no value of it` }
  if (pair.kind === 'numeric') return { statistics: [ofNumbers(pair)] }
  const unlike = reasonToLeaveOut(pair)
  if (unlike !== undefined) return { reason: unlike }
  const { reference, current } = pair.tally
  return { statistics: [ofCategories([...reference], [...current])] }
}

/** The statistics that decide on a column, or why there are none. */
export type Judged =
  | { readonly statistics: readonly StatisticReport[] }
  | { readonly reason: string }

/** A reference with more values than this is compared by how far and no longer by how likely. */
const SMALL = 1000

/** A whole number with no more values than this in the current rows is a category to it. */
const INTEGER_CATEGORIES = 10

/** Numbers with no more values than this are compared value by value. */
const FEW = 5

function ofNumbers({ samples, types, current }: NumericPair): StatisticReport {
  const { reference: one, current: other } = samples
  const isCategory =
    isWhole(types.current) &&
    current.missing === 0 &&
    distinctUpTo(other.sorted, NONE, INTEGER_CATEGORIES) !== null
  const few = distinctUpTo(one.sorted, other.sorted, isCategory ? Infinity : FEW)
  if (few !== null)
    return ofCategories([...tallied(one.sorted, few)], [...tallied(other.sorted, few)])
  return one.sorted.length <= SMALL ? kolmogorov(one, other) : wasserstein(one, other)
}

const NONE = new Float64Array()

function isWhole(type: string | null): boolean {
  return type !== null && /^(TINY|SMALL|BIG)?INT(EGER)?$/.test(type)
}

/** It leaves texts to a classifier, and does not look at what pandas has no type for. */
function reasonToLeaveOut({ tally, types, current }: CategoricalPair): string | undefined {
  if (types.current === 'BOOLEAN')
    return current.missing > 0 ? 'Evidently does not look at booleans with gaps' : undefined
  let distinct = 0
  let values = 0
  for (const count of tally.current) {
    if (count > 0) distinct++
    values += count
  }
  return distinct > values / 2
    ? 'it is text to Evidently, which trains a classifier on it; no other statistic is for it'
    : undefined
}

function kolmogorov(one: Sample, other: Sample): StatisticReport {
  const { statistic, p } = kolmogorovSmirnov(one, other)
  return byP('kolmogorov-smirnov', { value: statistic, p, hasDrifted: p <= P_MAX })
}

function wasserstein(one: Sample, other: Sample): StatisticReport {
  return byValue('wasserstein', wassersteinOf(one, other) / Math.max(one.std, STD_MIN))
}

const STD_MIN = 0.001

function ofCategories(reference: number[], current: number[]): StatisticReport {
  const n = totalOf(reference)
  if (n > SMALL)
    // To base e, where ours is to base 2.
    return byValue('jensen-shannon', jensenShannon(reference, current) * Math.sqrt(Math.LN2))
  const { value, p } =
    reference.length > 2 ? goodnessOfFit(reference, current) : proportions(reference, current)
  const name = reference.length > 2 ? 'chi-square' : 'z'
  return byP(name, { value, p, hasDrifted: p < P_MAX })
}

/** Takes the reference's shares for the truth, which the contingency form does not. */
function goodnessOfFit(reference: number[], current: number[]): { value: number; p: number } {
  const scale = totalOf(current) / totalOf(reference)
  let value = 0
  for (const [index, count] of reference.entries())
    value += ((current[index] as number) - count * scale) ** 2 / (count * scale)
  const p = Number.isFinite(value) ? chiSquareSf(value, reference.length - 1) : 0
  return { value, p }
}

function proportions(reference: number[], current: number[]): { value: number; p: number } {
  if (reference.length < 2) return { value: 0, p: 1 }
  const [n, m] = [totalOf(reference), totalOf(current)]
  const [one, other] = [(reference[1] as number) / n, (current[1] as number) / m]
  const pooled = (one * n + other * m) / (n + m)
  const value = (one - other) / Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
  return { value, p: Math.min(1, 2 * normalSf(Math.abs(value))) }
}

const P_MAX = 0.05
const DISTANCE_MIN = 0.1

function byP(
  statistic: string,
  { value, p, hasDrifted }: { value: number; p: number; hasDrifted: boolean },
): StatisticReport {
  return {
    statistic,
    value: Number.isFinite(value) ? value : null,
    p,
    decidesBy: 'p',
    threshold: P_MAX,
    noiseFloor: null,
    verdict: verdictOf(hasDrifted),
    reason: null,
  }
}

function byValue(statistic: string, value: number): StatisticReport {
  return {
    statistic,
    value,
    p: null,
    decidesBy: 'value',
    threshold: DISTANCE_MIN,
    noiseFloor: null,
    verdict: verdictOf(value >= DISTANCE_MIN),
    reason: null,
  }
}

function totalOf(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0)
}
