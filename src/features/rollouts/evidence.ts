import type { Pulse, RevisionPulse } from '#inference'
import {
  betOnDifference,
  betOnRate,
  DIFFERENCE_BETS,
  logMean,
  logWealth,
  newWealth,
  RATE_BETS,
  type Outcomes,
  type Wealth,
} from './betting.ts'
import { betOnDrift, newDrift, type Drift } from './drift.ts'
import type { ErrorsGuard, Guard, LatencyGuard, QualityGuard } from './guards.ts'
import { addLatencies, NO_LATENCIES, quantileMs, slowerThan, type Latencies } from './latency.ts'

/** All that a rollout has learnt: plain data, so that it goes on after a restart. */
export interface Evidence {
  readonly fresh: Totals
  readonly old: Totals
  /** The tests of each guard, in the order of the guards. */
  readonly tests: readonly GuardTests[]
}

/** Of requests that weight gave to a revision since the rollout began. */
export interface Totals {
  readonly requests: number
  readonly faults: number
  readonly refusals: number
  readonly latencies: Latencies
  /** With their truth; and the sum of what was lost on them. */
  readonly labelled: number
  readonly loss: number
}

export interface GuardTests {
  /** Against a limit of its own. */
  readonly absolute: Wealth | null
  /** Against the old revision, on the same moments. */
  readonly relative: Wealth | null
  readonly drift: Drift | null
}

const NOTHING: Totals = {
  requests: 0,
  faults: 0,
  refusals: 0,
  latencies: NO_LATENCIES,
  labelled: 0,
  loss: 0,
}

export function newEvidence(guards: readonly Guard[]): Evidence {
  return { fresh: NOTHING, old: NOTHING, tests: guards.map(newTests) }
}

function newTests(guard: Guard): GuardTests {
  const none: GuardTests = { absolute: null, relative: null, drift: null }
  if (guard.kind === 'drift') return { ...none, drift: newDrift() }
  if (guard.kind === 'quality') return { ...none, relative: newWealth(DIFFERENCE_BETS) }
  const [limit, over] =
    guard.kind === 'errors' ? [guard.max, guard.overOld] : [guard.maxMs, guard.timesOld]
  return {
    absolute: limit === null ? null : newWealth(RATE_BETS),
    relative: over === null ? null : newWealth(DIFFERENCE_BETS),
    drift: null,
  }
}

/** What both revisions did under one division of the traffic. */
export interface Batch {
  /** The part of the requests of both that went to the new revision. */
  readonly share: number
  readonly fresh: RevisionPulse
  readonly old: RevisionPulse
}

/** What a pulse says of these two revisions. */
export function batchOf(pulse: Pulse, pair: { from: number; to: number }): Batch {
  const weight = (number: number) =>
    pulse.weights.find(({ revision }) => revision === number)?.weight ?? 0
  const counted = (number: number): RevisionPulse =>
    pulse.revisions.find(({ revision }) => revision === number) ?? {
      revision: number,
      requests: 0,
      faults: 0,
      refusals: 0,
      latencies: [],
      outcomes: [],
    }
  const both = weight(pair.from) + weight(pair.to)
  return {
    share: both === 0 ? 0 : weight(pair.to) / both,
    fresh: counted(pair.to),
    old: counted(pair.from),
  }
}

/** The evidence after a batch. Bets were placed before it: all they use of the batch is what they win or lose. */
export function observed(evidence: Evidence, guards: readonly Guard[], batch: Batch): Evidence {
  if (batch.fresh.requests + batch.old.requests === 0) return evidence
  return {
    fresh: added(evidence.fresh, batch.fresh),
    old: added(evidence.old, batch.old),
    tests: evidence.tests.map((tests, at) =>
      tested(tests, guards[at] as Guard, { batch, before: evidence.old.latencies }),
    ),
  }
}

function tested(
  tests: GuardTests,
  guard: Guard,
  seen: { batch: Batch; before: Latencies },
): GuardTests {
  if (guard.kind === 'errors') return errorsTested(tests, guard, seen.batch)
  if (guard.kind === 'latency') return latencyTested(tests, guard, seen)
  if (guard.kind === 'quality' || tests.drift === null) return tests
  return { ...tests, drift: betOnDrift(tests.drift, guard.max, seen.batch) }
}

function added(totals: Totals, pulse: RevisionPulse): Totals {
  return {
    ...totals,
    requests: totals.requests + pulse.requests,
    faults: totals.faults + pulse.faults,
    refusals: totals.refusals + pulse.refusals,
    latencies: addLatencies(totals.latencies, latenciesIn(pulse)),
  }
}

function latenciesIn({ latencies: bins }: RevisionPulse): Latencies {
  return { total: bins.reduce((sum, [, count]) => sum + count, 0), bins }
}

function isDivided({ share }: Batch): boolean {
  return share > 0 && share < 1
}

function errorsTested(
  { absolute, relative, drift }: GuardTests,
  { max, overOld }: ErrorsGuard,
  batch: Batch,
): GuardTests {
  const { fresh, old, share } = batch
  // A refusal may be the caller's mistake: it counts only against the old revision, which meets the same callers.
  const asked = fresh.requests - fresh.refusals
  return {
    absolute:
      absolute === null || max === null
        ? null
        : betOnRate(absolute, max, { bad: fresh.faults, all: asked }),
    relative:
      relative === null || overOld === null || !isDivided(batch)
        ? relative
        : betOnDifference(
            relative,
            { share, margin: overOld, centre: 0 },
            {
              fresh: bits(fresh.faults + fresh.refusals, fresh.requests),
              old: bits(old.faults + old.refusals, old.requests),
            },
          ),
    drift,
  }
}

function bits(bad: number, all: number): Outcomes[] {
  return [
    { value: 1, count: bad },
    { value: 0, count: all - bad },
  ]
}

/** Answers of the old revision that its quantile is taken from before the new one is compared with it. */
const QUANTILE_SAMPLES_MIN = 100

/**
 * "The quantile is at most the limit" says that an answer is slower than the limit with a probability of at most
 * 1 − quantile: a rate. Against the old revision: answers of the new one are slower than k × t no more often than
 * those of the old one are slower than t, for the t at which the old one's quantile was seen so far.
 */
function latencyTested(
  { absolute, relative, drift }: GuardTests,
  { quantile, maxMs, timesOld }: LatencyGuard,
  { batch, before }: { batch: Batch; before: Latencies },
): GuardTests {
  const fresh = latenciesIn(batch.fresh)
  const old = latenciesIn(batch.old)
  const rate = 1 - quantile
  const threshold = before.total < QUANTILE_SAMPLES_MIN ? null : quantileMs(before, quantile)
  return {
    absolute:
      absolute === null || maxMs === null
        ? null
        : betOnRate(absolute, rate, { bad: slowerThan(fresh, maxMs), all: fresh.total }),
    relative:
      relative === null || timesOld === null || threshold === null || !isDivided(batch)
        ? relative
        : betOnDifference(
            relative,
            { share: batch.share, margin: 0, centre: rate },
            {
              fresh: bits(slowerThan(fresh, threshold * timesOld), fresh.total),
              old: bits(slowerThan(old, threshold), old.total),
            },
          ),
    drift,
  }
}

/** What truths say of predictions that were made under one division of the traffic: losses from 0 to 1. */
export interface Judged {
  readonly share: number
  readonly fresh: readonly number[]
  readonly old: readonly number[]
}

/** The evidence after truths arrived. */
export function judged(evidence: Evidence, guards: readonly Guard[], batch: Judged): Evidence {
  const { share, fresh, old } = batch
  if (fresh.length + old.length === 0) return evidence
  const { labelled, loss } = evidence.old
  const centre = labelled === 0 ? 0.5 : loss / labelled
  const judgedBy = (tests: GuardTests, { drop }: QualityGuard): GuardTests =>
    tests.relative === null || share <= 0 || share >= 1
      ? tests
      : {
          ...tests,
          relative: betOnDifference(
            tests.relative,
            { share, margin: drop, centre },
            { fresh: fresh.map(once), old: old.map(once) },
          ),
        }
  return {
    fresh: withLosses(evidence.fresh, fresh),
    old: withLosses(evidence.old, old),
    tests: evidence.tests.map((tests, at) => {
      const guard = guards[at] as Guard
      return guard.kind === 'quality' ? judgedBy(tests, guard) : tests
    }),
  }
}

function once(value: number): Outcomes {
  return { value, count: 1 }
}

function withLosses(totals: Totals, losses: readonly number[]): Totals {
  return {
    ...totals,
    labelled: totals.labelled + losses.length,
    loss: losses.reduce((sum, value) => sum + value, totals.loss),
  }
}

/** The logarithm of the e-value of one guard: the mean of its tests' is one again. */
export function guardLogE({ absolute, relative, drift }: GuardTests): number {
  const logs = [
    ...(absolute === null ? [] : [logWealth(absolute)]),
    ...(relative === null ? [] : [logWealth(relative)]),
    ...(drift === null ? [] : [drift.logE]),
  ]
  return logs.length === 0 ? 0 : logMean(logs)
}

/** The logarithm of the e-value against "the new revision keeps within all guards". */
export function rolloutLogE({ tests }: Evidence): number {
  return tests.length === 0 ? 0 : logMean(tests.map(guardLogE))
}
