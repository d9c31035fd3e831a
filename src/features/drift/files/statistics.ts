import {
  andersonDarling,
  chiSquareContingency,
  chiSquareGoodness,
  cramerVonMises,
  energyDistance,
  eppsSingleton,
  evidentlyHellingerShares,
  evidentlyShares,
  filledAsEvidently,
  fisherExact,
  gContingency,
  gGoodness,
  hellingerDistance,
  jensenShannonDistance,
  kolmogorovSmirnov,
  kullbackLeibler,
  largestShareDifference,
  mannWhitney,
  noise,
  openHistogramOf,
  populationStability,
  quantileEdges,
  sharesOf,
  studentT,
  totalVariationDistance,
  twoProportions,
  wassersteinOf,
  welchT,
  type SharePair,
  type TestResult,
} from '#statistics'
import type { Sample } from './numbers.ts'
import { verdictOf, type StatisticReport } from './report.ts'

/** A column as statistics take it. */
export type Looked =
  | {
      readonly kind: 'numeric'
      readonly one: Sample
      readonly other: Sample
      /** Whether both sides are of whole numbers, without gaps. */
      readonly integers: boolean
    }
  | { readonly kind: 'categorical'; readonly one: number[]; readonly other: number[] }

type Numbers = Extract<Looked, { kind: 'numeric' }>
type Categories = Extract<Looked, { kind: 'categorical' }>

/** In whose way bins are made, sides are taken and verdicts are drawn. */
export type Way = 'native' | 'evidently'

export type Measured =
  | { readonly value: number; readonly p?: number; readonly noiseFloor?: number }
  | { readonly reason: string }

interface Statistic {
  /** The name that Evidently has for it. */
  readonly alias?: string
  readonly decidesBy: 'value' | 'p'
  readonly threshold: { readonly native: number; readonly evidently: number }
  readonly numeric?: (looked: Numbers, way: Way) => Measured
  readonly categorical?: (looked: Categories, way: Way) => Measured
}

const P = { native: 0.05, evidently: 0.05 }
const LENIENT_P = { native: 0.05, evidently: 0.1 }
const DISTANCE = { native: 0.1, evidently: 0.1 }

const STATISTICS: Readonly<Record<string, Statistic>> = {
  wasserstein: {
    decidesBy: 'value',
    threshold: DISTANCE,
    numeric: ({ one, other }, way) => ({
      // Evidently takes a column for varying by at least this much.
      value:
        wassersteinOf(one, other) / (way === 'evidently' ? Math.max(one.std, 1e-3) : unitOf(one)),
      noiseFloor: noise.wassersteinNoise(sizesOf(one, other)),
    }),
  },
  'kolmogorov-smirnov': {
    alias: 'ks',
    decidesBy: 'p',
    threshold: P,
    numeric: ({ one, other }) =>
      tested(kolmogorovSmirnov(one, other), noise.kolmogorovNoise(sizesOf(one, other))),
  },
  psi: {
    decidesBy: 'value',
    threshold: DISTANCE,
    ...overShares((pair, sizes, way) => ({
      value: populationStability(way === 'evidently' ? filledAsEvidently(pair) : atLeast(pair)),
      noiseFloor: noise.psiNoise(sizes, usedIn(pair)),
    })),
  },
  'jensen-shannon': {
    alias: 'jensenshannon',
    decidesBy: 'value',
    threshold: DISTANCE,
    ...overShares((pair, sizes, way) => {
      const base = way === 'evidently' ? Math.E : 2
      return {
        value: jensenShannonDistance(pair, base),
        noiseFloor: noise.jensenShannonNoise(sizes, usedIn(pair), base),
      }
    }),
  },
  'kullback-leibler': {
    alias: 'kl_div',
    decidesBy: 'value',
    threshold: DISTANCE,
    ...overShares((pair, sizes, way) => ({
      value: kullbackLeibler(way === 'evidently' ? filledAsEvidently(pair) : atLeast(pair)),
      noiseFloor: noise.kullbackLeiblerNoise(sizes, usedIn(pair)),
    })),
  },
  hellinger: {
    decidesBy: 'value',
    threshold: DISTANCE,
    ...overShares(
      (pair, sizes) => ({
        value: hellingerDistance(pair),
        noiseFloor: noise.hellingerNoise(sizes, usedIn(pair)),
      }),
      evidentlyHellingerShares,
    ),
  },
  'total-variation': {
    decidesBy: 'value',
    threshold: DISTANCE,
    ...overShares((pair, sizes) => ({
      value: totalVariationDistance(pair),
      noiseFloor: noise.totalVariationNoise(sizes, pair.reference),
    })),
  },
  'l-infinity': {
    decidesBy: 'value',
    threshold: DISTANCE,
    ...overShares((pair, sizes) => ({
      value: largestShareDifference(pair),
      noiseFloor: noise.largestDifferenceNoise(sizes, pair.reference),
    })),
  },
  'anderson-darling': {
    alias: 'anderson',
    decidesBy: 'p',
    threshold: LENIENT_P,
    numeric: ({ one, other }) => tested(andersonDarling(one, other)),
  },
  'cramer-von-mises': {
    alias: 'cramer_von_mises',
    decidesBy: 'p',
    threshold: LENIENT_P,
    numeric: ({ one, other }) => tested(cramerVonMises(one, other)),
  },
  energy: {
    alias: 'ed',
    decidesBy: 'value',
    threshold: DISTANCE,
    // Of its own unit in Evidently, of a standard deviation in ours: a change of unit is no drift.
    numeric: ({ one, other }, way) => ({
      value: energyDistance(one, other) / (way === 'evidently' ? 1 : Math.sqrt(unitOf(one))),
    }),
  },
  'epps-singleton': {
    alias: 'es',
    decidesBy: 'p',
    threshold: P,
    numeric: ({ one, other }) => tested(eppsSingleton(one, other)),
  },
  'mann-whitney': {
    alias: 'mannw',
    decidesBy: 'p',
    threshold: P,
    numeric: ({ one, other }, way) =>
      tested(mannWhitney(one, other, way === 'evidently' ? 'less' : 'two-sided')),
  },
  t: {
    alias: 't_test',
    decidesBy: 'p',
    threshold: P,
    numeric: ({ one, other }, way) =>
      tested(way === 'evidently' ? studentT(one, other) : welchT(one, other)),
  },
  'chi-square': {
    alias: 'chisquare',
    decidesBy: 'p',
    threshold: P,
    categorical: ({ one, other }, way) =>
      tested(
        way === 'evidently' ? chiSquareGoodness(one, other) : chiSquareContingency(one, other),
      ),
  },
  g: {
    alias: 'g_test',
    decidesBy: 'p',
    threshold: LENIENT_P,
    categorical: ({ one, other }, way) => {
      if (way === 'native') return tested(gContingency(one, other))
      // SciPy refuses it, and with it Evidently.
      return totalOf(one) === totalOf(other)
        ? tested(gGoodness(one, other))
        : { reason: 'Evidently’s G test takes equally many values on both sides' }
    },
  },
  z: {
    decidesBy: 'p',
    threshold: P,
    categorical: ({ one, other }) => {
      if (one.length > 2)
        return { reason: 'it compares the shares of two values, and there are more' }
      const [first, second] = hitsOf(one, other)
      const { z, p } = twoProportions(first, second)
      return { value: z, p }
    },
  },
  'fisher-exact': {
    alias: 'fisher_exact',
    decidesBy: 'p',
    threshold: LENIENT_P,
    categorical: ({ one, other }, way) => {
      if (one.length > 2)
        return { reason: 'it compares the shares of two values, and there are more' }
      if (way === 'evidently' && totalOf(one) !== totalOf(other))
        return { reason: 'Evidently’s takes equally many values on both sides' }
      const [first, second] = hitsOf(one, other)
      const p = fisherExact(first, second)
      return { value: first.hits / first.of - second.hits / second.of, p }
    },
  },
}

/** The names that statistics are asked by. */
export const statisticNames: readonly string[] = Object.keys(STATISTICS)

/** The statistic of that name, or of Evidently's name for it. */
export function statisticNamed(word: string): string | undefined {
  if (Object.hasOwn(STATISTICS, word)) return word
  return statisticNames.find((name) => STATISTICS[name]?.alias === word)
}

/** What a statistic says of a column. */
export function statisticReport(name: string, looked: Looked, way: Way): StatisticReport {
  const { decidesBy, threshold, ...of } = STATISTICS[name] as Statistic
  const measured =
    looked.kind === 'numeric'
      ? (of.numeric?.(looked, way) ?? notFor('numbers'))
      : (of.categorical?.(looked, way) ?? notFor('categories'))
  const shared = { statistic: name, decidesBy, threshold: threshold[way] }
  if ('reason' in measured)
    return {
      ...shared,
      value: null,
      p: null,
      noiseFloor: null,
      verdict: 'not-applicable',
      reason: measured.reason,
    }
  const { value, p = null, noiseFloor = null } = measured
  const score = decidesBy === 'p' ? (p as number) : value
  const reached =
    decidesBy === 'p'
      ? isUnlikely(name, { p: score, most: threshold[way], way })
      : isLarge(name, { value: score, least: threshold[way], noiseFloor, way })
  return {
    ...shared,
    value: Number.isFinite(value) ? value : null,
    p,
    noiseFloor,
    verdict: verdictOf(reached),
    reason: Number.isFinite(value) ? null : 'one side has what the other has not at all',
  }
}

/** Evidently draws some lines where a number lies on them, and others beyond it. */
function isUnlikely(
  name: string,
  { p, most, way }: { p: number; most: number; way: Way },
): boolean {
  const isOnLine = way === 'native' || name === 'kolmogorov-smirnov' || name === 'cramer-von-mises'
  return isOnLine ? p <= most : p < most
}

function isLarge(
  name: string,
  {
    value,
    least,
    noiseFloor,
    way,
  }: { value: number; least: number; noiseFloor: number | null; way: Way },
): boolean {
  if (way === 'native') return value > Math.max(least, noiseFloor ?? 0)
  return name === 'energy' ? value > least : value >= least
}

function notFor(what: string): { reason: string } {
  return { reason: `it is not for ${what}` }
}

function tested(result: TestResult | undefined, noiseFloor?: number): Measured {
  if (result === undefined)
    return { reason: 'the values do not vary enough for it, or are too few' }
  const { statistic: value, p } = result
  return noiseFloor === undefined ? { value, p } : { value, p, noiseFloor }
}

interface Sizes {
  readonly reference: number
  readonly current: number
}

/** A statistic over shares of bins, which are made in the way that is asked for. */
function overShares(
  measure: (pair: SharePair, sizes: Sizes, way: Way) => Measured,
  evidentlyBins: typeof evidentlyShares = evidentlyShares,
): Required<Pick<Statistic, 'numeric' | 'categorical'>> {
  return {
    numeric: ({ one, other, integers }, way) =>
      measure(
        way === 'evidently' ? evidentlyBins(one, other, { integers }) : byQuantiles(one, other),
        sizesOf(one, other),
        way,
      ),
    categorical: ({ one, other }, way) =>
      measure(
        { reference: sharesOf(one), current: sharesOf(other) },
        { reference: totalOf(one), current: totalOf(other) },
        way,
      ),
  }
}

const BINS = 20

/** Between the reference's quantiles, open at both ends: no outlier moves the bins. */
function byQuantiles(one: Sample, other: Sample): SharePair {
  const edges = quantileEdges(one, BINS)
  return {
    reference: sharesOf(openHistogramOf(one, edges)),
    current: sharesOf(openHistogramOf(other, edges)),
  }
}

const SHARE_MIN = 1e-4

function atLeast({ reference, current }: SharePair): SharePair {
  return { reference: filled(reference), current: filled(current) }
}

function filled(shares: readonly number[]): number[] {
  return shares.map((share) => Math.max(share, SHARE_MIN))
}

function usedIn({ reference, current }: SharePair): number {
  let used = 0
  for (const [index, share] of reference.entries()) if (share > 0 || current[index] !== 0) used++
  return used
}

function sizesOf(one: Sample, other: Sample): Sizes {
  return { reference: one.sorted.length, current: other.sorted.length }
}

/** A column that never varied is measured against its own size. */
function unitOf({ std, mean }: Sample): number {
  if (std > 0) return std
  return mean === 0 ? 1 : Math.abs(mean)
}

type Hits = { hits: number; of: number }

function hitsOf(one: readonly number[], other: readonly number[]): [Hits, Hits] {
  return [
    { hits: one[1] ?? 0, of: totalOf(one) },
    { hits: other[1] ?? 0, of: totalOf(other) },
  ]
}

function totalOf(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0)
}
