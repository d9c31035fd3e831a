import { rateBounds, quantileBounds } from './bounds.ts'
import { mostApart } from './drift.ts'
import { guardLogE, rolloutLogE, type GuardTests, type Totals } from './evidence.ts'
import { guardName, type Guard } from './guards.ts'
import { quantileMs } from './latency.ts'
import type { Rollout } from './rollout.ts'

/** The numbers on which a decision stands, as facts and people get them. */
export interface Numbers {
  /** Evidence against the new revision: at 1/α it is given up. */
  readonly e: number
  readonly threshold: number
  readonly alpha: number
  readonly requests: { readonly new: number; readonly old: number }
  readonly guards: readonly GuardNumbers[]
}

export interface GuardNumbers {
  readonly guard: string
  readonly e: number
  readonly limit: Readonly<Record<string, number>>
  readonly new: Seen
  readonly old: Seen
}

/** An estimate and where the truth lies, at all times together with probability 1 − α. */
interface Seen {
  readonly n: number
  readonly estimate: number | null
  readonly lower: number | null
  readonly upper: number | null
}

export function numbersOf({ evidence, plan }: Rollout): Numbers {
  const { alpha, guards } = plan
  return {
    e: shown(Math.exp(rolloutLogE(evidence))),
    threshold: shown(1 / alpha),
    alpha,
    requests: { new: evidence.fresh.requests, old: evidence.old.requests },
    guards: guards.map((guard, at) => {
      const tests = evidence.tests[at] as GuardTests
      const both = seenOf(guard, tests, { evidence, alpha })
      return {
        guard: guardName(guard),
        e: shown(Math.exp(guardLogE(tests))),
        limit: limitOf(guard),
        new: both.new,
        old: both.old,
      }
    }),
  }
}

/** The guard that objects most. */
export function loudest({ guards }: Numbers): GuardNumbers | undefined {
  return guards.toSorted((one, other) => other.e - one.e)[0]
}

function limitOf(guard: Guard): Record<string, number> {
  if (guard.kind === 'errors') return given({ max: guard.max, over_old: guard.overOld })
  if (guard.kind === 'latency') return given({ max: guard.maxMs, times_old: guard.timesOld })
  return guard.kind === 'drift' ? { max: guard.max } : { min_drop: guard.drop }
}

function given(limits: Record<string, number | null>): Record<string, number> {
  const entries = Object.entries(limits)
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  )
}

/** What is seen of both revisions; of their answers, the shares of the kind in which they differ most. */
function seenOf(
  guard: Guard,
  tests: GuardTests,
  { evidence, alpha }: { evidence: Rollout['evidence']; alpha: number },
): Pick<GuardNumbers, 'new' | 'old'> {
  const { fresh, old } = evidence
  if (guard.kind !== 'drift')
    return { new: seen(guard, fresh, alpha), old: seen(guard, old, alpha) }
  const most = tests.drift === null ? null : mostApart(tests.drift)
  return {
    new: shareSeen(most?.fresh, fresh.requests, alpha),
    old: shareSeen(most?.old, old.requests, alpha),
  }
}

function shareSeen(
  share: { count: number; all: number } | undefined,
  requests: number,
  alpha: number,
): Seen {
  if (share === undefined) return { n: requests, estimate: null, lower: null, upper: null }
  return rateSeen(share.count, share.all, alpha)
}

function seen(guard: Exclude<Guard, { kind: 'drift' }>, totals: Totals, alpha: number): Seen {
  const { requests, labelled } = totals
  if (guard.kind === 'errors') return rateSeen(totals.faults, requests, alpha)
  // A mean of values from 0 to 1 lies within the bounds of a rate with the same sum.
  if (guard.kind === 'quality') return rateSeen(totals.loss, labelled, alpha)
  const { latencies } = totals
  const { lower, upper } = quantileBounds(latencies, guard.quantile, alpha)
  const estimate = quantileMs(latencies, guard.quantile)
  return {
    n: latencies.total,
    estimate: estimate === null ? null : shown(estimate),
    ...bounded(lower, upper),
  }
}

function rateSeen(bad: number, all: number, alpha: number): Seen {
  const { lower, upper } = rateBounds({ bad, all }, alpha)
  return { n: all, estimate: all === 0 ? null : shown(bad / all), ...bounded(lower, upper) }
}

function bounded(lower: number, upper: number): { lower: number; upper: number | null } {
  return { lower: shown(lower), upper: upper === Infinity ? null : shown(upper) }
}

/** Facts are JSON, and nobody reads more than four digits. */
function shown(value: number): number {
  return Number(Math.min(value, 1e12).toPrecision(4))
}
