import { invariant } from '#base/invariant'

/**
 * Tests that may be looked at as often as one likes. Each is a wealth: somebody begins with 1 and bets, before each
 * observation, against the hypothesis "the new revision is good enough". If that is true no bet is favourable, the
 * wealth is a non-negative supermartingale (an e-process), and by Ville's inequality it ever reaches 1/α with a
 * probability of at most α, however often and whenever one looks. A rollout is given up when its wealth reaches 1/α.
 *
 * - Betting on bounded means: I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by
 *   betting", J. R. Stat. Soc. B 86 (2024), section 4: the capital K_t = Π (1 + λ (x_i − m)).
 * - Mixtures over bets stay e-processes: S. Howard, A. Ramdas, J. McAuliffe and J. Sekhon, "Time-uniform,
 *   nonparametric, nonasymptotic confidence sequences", Ann. Stat. 49 (2021), section 3.
 * - Bets that begin later with a part of the money that was kept aside, so that a harm that begins late is found
 *   as well: J. Shin, A. Ramdas and A. Rinaldo, "E-detectors", New Engl. J. Stat. Data Sci. 2 (2024).
 */
export interface Wealth {
  /** The logarithm of the money in each of the bets. */
  readonly logs: readonly number[]
  /** Batches that were bet on. */
  readonly batches: number
}

/** Observations of equal value and how many of them there were. */
export interface Outcomes {
  /** From 0, good, to 1, bad. */
  readonly value: number
  readonly count: number
}

/** Half of the money is bet at once; the other half is spent on bets that begin with each later batch. */
const FIRST_SHARE = 0.5

export function newWealth(bets: number): Wealth {
  return { logs: Array<number>(bets).fill(Math.log(FIRST_SHARE / bets)), batches: 0 }
}

/** What is put into new bets when this many batches have passed; all of them together are never more than the other half. */
function stakeAfter(batches: number): number {
  return (1 - FIRST_SHARE) * (1 / Math.log2(batches + 1) - 1 / Math.log2(batches + 2))
}

/** The logarithm of the whole wealth: what is in the bets and what was never bet. */
export function logWealth({ logs, batches }: Wealth): number {
  const kept = (1 - FIRST_SHARE) / Math.log2(batches + 2)
  return logSum([...logs, Math.log(kept)])
}

/** The wealth after a batch in which the money of each bet grew by this much, in logarithms. */
function grown({ logs, batches }: Wealth, growths: readonly number[]): Wealth {
  invariant(growths.length === logs.length, 'each bet has its growth')
  const stake = Math.log(stakeAfter(batches + 1) / logs.length)
  return {
    // Bets without hope are left where they still are numbers.
    logs: logs.map((log, at) => Math.max(-1e6, logSum([log + (growths[at] as number), stake]))),
    batches: batches + 1,
  }
}

/** How far beyond the limit, in logits, the alternatives lie on which a rate is bet. */
const ALTERNATIVES = [0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8]

export const RATE_BETS = ALTERNATIVES.length

/**
 * Bets against "each observation is bad with a probability of at most `limit`, whatever came before". A bet on the
 * alternative p is worth 1 + λ (x − limit) with λ = (p − limit) / (limit (1 − limit)): the likelihood ratio.
 */
export function betOnRate(
  wealth: Wealth,
  limit: number,
  seen: { bad: number; all: number },
): Wealth {
  invariant(limit > 0 && limit < 1, 'a limit of a rate lies between 0 and 1')
  invariant(seen.bad >= 0 && seen.bad <= seen.all, 'no more than all are bad')
  if (seen.all === 0) return wealth
  const odds = limit / (1 - limit)
  const growths = ALTERNATIVES.map((logit) => {
    const alternative = 1 / (1 + Math.exp(-logit) / odds)
    const whenBad = Math.log(alternative / limit)
    const whenGood = Math.log((1 - alternative) / (1 - limit))
    return seen.bad * whenBad + (seen.all - seen.bad) * whenGood
  })
  return grown(wealth, growths)
}

/** Parts of the largest bet that cannot lose everything. */
const FRACTIONS = [0.9, 0.6, 0.4, 0.25, 0.15, 0.08, 0.04, 0.02, 0.01]

export const DIFFERENCE_BETS = FRACTIONS.length

/** How two revisions are compared on requests that were divided among them by chance. */
export interface Comparison {
  /** The share of the requests that the new revision got in this batch, between 0 and 1. */
  readonly share: number
  /** By how much the mean of the new one may lie above that of the old one. */
  readonly margin: number
  /** About what the observations are; known before the batch. It makes the test sharper and is never wrong. */
  readonly centre: number
}

/**
 * Bets against "the mean of the new revision is at most that of the old one plus the margin". Each request was given
 * to the new one (A = 1) with the known probability `share`, so z = (x − centre) (A/share − (1 − A)/(1 − share)) has
 * the mean difference as its mean, whatever the requests of this moment are like: the two are never compared at
 * different times. The bet is worth 1 + λ (z − margin), with λ small enough that it stays above 0. For the two-sample
 * test by betting see S. Shekhar and A. Ramdas, "Nonparametric two-sample testing by betting", IEEE Trans. Inf.
 * Theory 70 (2024).
 */
export function betOnDifference(
  wealth: Wealth,
  { share, margin, centre }: Comparison,
  seen: { fresh: readonly Outcomes[]; old: readonly Outcomes[] },
): Wealth {
  invariant(share > 0 && share < 1, 'both revisions get requests')
  invariant(centre >= 0 && centre <= 1, 'the centre is a value of an observation')
  const payoffs = [
    ...seen.fresh.map(({ value, count }) => ({ z: (value - centre) / share - margin, count })),
    ...seen.old.map(({ value, count }) => ({ z: (centre - value) / (1 - share) - margin, count })),
  ].filter(({ count }) => count > 0)
  if (payoffs.length === 0) return wealth
  const loss = Math.max(centre / share, (1 - centre) / (1 - share)) + margin
  const growths = FRACTIONS.map((fraction) => {
    const stake = fraction / loss
    return payoffs.reduce((sum, { z, count }) => sum + count * Math.log1p(stake * z), 0)
  })
  return grown(wealth, growths)
}

/** The logarithm of the mean of e-values given by their logarithms: an e-value again. */
export function logMean(logs: readonly number[]): number {
  return logSum(logs) - Math.log(logs.length)
}

function logSum(logs: readonly number[]): number {
  const largest = Math.max(...logs)
  if (largest === -Infinity) return -Infinity
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0))
}
