import {
  largestShareDifference,
  noise,
  normalizedAbsoluteDifference,
  sharesOf,
  tfdvBuckets,
  tfdvJensenShannon,
} from '#statistics'
import type { Judged } from './evidently.ts'
import {
  reasonNotToJudge,
  valuesIn,
  type CategoricalPair,
  type NumericPair,
  type Pair,
} from './pair.ts'
import { verdictOf, type StatisticReport } from './report.ts'

/** TensorFlow Data Validation leaves the thresholds to the schema; these are those of its guide. */
const THRESHOLD = 0.01

/**
 * What TensorFlow Data Validation's comparators say of a column: of numbers the Jensen–Shannon divergence of their
 * histograms, of strings the largest difference of a share.
 */
export function tfdvJudged(pair: Pair): Judged {
  if (pair.kind === 'incomparable') return { reason: pair.reason }
  const reason = reasonNotToJudge(pair)
  if (reason !== undefined) return { reason }
  return { statistics: pair.kind === 'numeric' ? ofNumbers(pair) : ofCategories(pair) }
}

function ofNumbers({ samples, reference, current }: NumericPair): StatisticReport[] {
  const buckets = (side: 'reference' | 'current', notNumbers: number) => ({
    ...tfdvBuckets(samples[side]),
    notNumbers,
  })
  const value = tfdvJensenShannon(
    buckets('reference', reference.notFinite),
    buckets('current', current.notFinite),
  )
  return [byValue('jensen-shannon-divergence', value, null)]
}

function ofCategories(pair: CategoricalPair): StatisticReport[] {
  const counts = {
    reference: Array.from(pair.tally.reference),
    current: Array.from(pair.tally.current),
  }
  const shares = { reference: sharesOf(counts.reference), current: sharesOf(counts.current) }
  const sizes = { reference: valuesIn(pair, 'reference'), current: valuesIn(pair, 'current') }
  const told = byValue(
    'normalized-absolute-difference',
    normalizedAbsoluteDifference(counts.reference, counts.current),
    null,
  )
  return [
    byValue(
      'l-infinity',
      largestShareDifference(shares),
      noise.largestDifferenceNoise(sizes, shares.reference),
    ),
    {
      ...told,
      decidesBy: 'none',
      threshold: null,
      verdict: 'not-applicable',
      reason: 'it is told and decides nothing: it moves with the number of rows',
    },
  ]
}

function byValue(statistic: string, value: number, noiseFloor: number | null): StatisticReport {
  return {
    statistic,
    value,
    p: null,
    decidesBy: 'value',
    threshold: THRESHOLD,
    noiseFloor,
    verdict: verdictOf(value > THRESHOLD),
    reason: null,
  }
}
