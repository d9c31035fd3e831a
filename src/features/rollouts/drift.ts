import type { RevisionPulse } from '#inference'
import {
  betOnDifference,
  DIFFERENCE_BETS,
  logMean,
  logWealth,
  newWealth,
  type Wealth,
} from './betting.ts'

/** How the answers of two revisions are compared: by the shares of a few kinds of answers. */
export interface Drift {
  /** What was answered before the kinds were chosen, by both; `null` from then on. */
  readonly first: Readonly<Record<string, number>> | null
  readonly kinds: Kinds | null
  /** For each kind: "more of the new one's are of it", "fewer". */
  readonly tests: readonly (readonly [more: Wealth, fewer: Wealth])[]
  /** Rollouts that began before it was counted have none. */
  readonly fresh?: Tally
  readonly old: Tally
  readonly logE: number
}

/** Answers of one revision: all of them, and those of each kind. */
interface Tally {
  readonly all: number
  readonly of: readonly number[]
}

const NONE: Tally = { all: 0, of: [] }

/** Labels, or upper ends: an answer is of a kind if it is this label, or at most this number. */
type Kinds =
  | { readonly by: 'label'; readonly labels: readonly string[] }
  | { readonly by: 'number'; readonly ends: readonly number[] }

/** Answers of both revisions from which the kinds are chosen; no bet is placed on them. */
const FIRST_ANSWERS = 200

const KINDS_MAX = 8

export function newDrift(): Drift {
  return { first: {}, kinds: null, tests: [], fresh: NONE, old: NONE, logE: 0 }
}

/**
 * Bets against "for no kind of answer do the shares of the two revisions differ by more than `margin`": for labels the
 * share of each, for numbers that of all up to each of some ends, which is the distance of Kolmogorov and Smirnov.
 * Each kind has a test in both directions, and the mean of their e-values is the e-value.
 */
export function betOnDrift(
  drift: Drift,
  margin: number,
  batch: { share: number; fresh: RevisionPulse; old: RevisionPulse },
): Drift {
  const { kinds } = drift
  if (kinds === null) return chosen(drift, [batch.fresh.outcomes, batch.old.outcomes])
  const isDivided = batch.share > 0 && batch.share < 1
  const fresh = countsOf(kinds, batch.fresh.outcomes)
  const old = countsOf(kinds, batch.old.outcomes)
  const tests = drift.tests.map(([more, fewer], at): readonly [Wealth, Wealth] => {
    if (!isDivided) return [more, fewer]
    // Known before the batch; half an answer of each sort keeps it off the ends.
    const centre = ((drift.old.of[at] ?? 0) + 0.5) / (drift.old.all + 1)
    const ofFresh = bits(fresh.of[at] ?? 0, fresh.all)
    const ofOld = bits(old.of[at] ?? 0, old.all)
    const { share } = batch
    return [
      betOnDifference(more, { share, margin, centre }, { fresh: ofFresh, old: ofOld }),
      betOnDifference(fewer, { share: 1 - share, margin, centre }, { fresh: ofOld, old: ofFresh }),
    ]
  })
  return {
    first: null,
    kinds,
    tests,
    fresh: added(drift.fresh ?? NONE, fresh),
    old: added(drift.old, old),
    logE: logMean(tests.flat().map(logWealth)),
  }
}

/** Of the kind whose shares differ most, how many answers of each revision are of it; `null` before there are any. */
export function mostApart({ fresh = NONE, old }: Drift): { fresh: Share; old: Share } | null {
  if (fresh.all === 0 || old.all === 0) return null
  const [most] = fresh.of
    .map((count, at) => ({
      fresh: { count, all: fresh.all },
      old: { count: old.of[at] ?? 0, all: old.all },
    }))
    .toSorted((one, other) => apart(other) - apart(one))
  return most ?? null
}

interface Share {
  readonly count: number
  readonly all: number
}

function apart({ fresh, old }: { fresh: Share; old: Share }): number {
  return Math.abs(fresh.count / fresh.all - old.count / old.all)
}

function added(before: Tally, more: Tally): Tally {
  return {
    all: before.all + more.all,
    of: more.of.map((count, at) => (before.of[at] ?? 0) + count),
  }
}

function bits(of: number, all: number) {
  return [
    { value: 1, count: of },
    { value: 0, count: all - of },
  ]
}

type Answers = RevisionPulse['outcomes']

/** Adds to the first answers, and chooses the kinds when there are enough. */
function chosen(drift: Drift, answers: readonly Answers[]): Drift {
  const first = new Map(Object.entries(drift.first ?? {}))
  for (const [outcome, count] of answers.flat())
    first.set(outcome, (first.get(outcome) ?? 0) + count)
  const total = [...first.values()].reduce((sum, count) => sum + count, 0)
  if (total < FIRST_ANSWERS) return { ...drift, first: Object.fromEntries(first) }
  const kinds = kindsIn(first, total)
  const count = kindCount(kinds)
  return {
    first: null,
    kinds,
    tests: Array.from({ length: count }, () => [
      newWealth(DIFFERENCE_BETS),
      newWealth(DIFFERENCE_BETS),
    ]),
    fresh: NONE,
    old: NONE,
    logE: 0,
  }
}

function kindsIn(first: ReadonlyMap<string, number>, total: number): Kinds {
  const outcomes = [...first.keys()]
  if (outcomes.length <= KINDS_MAX || outcomes.some((outcome) => Number.isNaN(Number(outcome))))
    return {
      by: 'label',
      labels: outcomes
        .toSorted((one, other) => (first.get(other) ?? 0) - (first.get(one) ?? 0))
        .slice(0, KINDS_MAX),
    }
  const ends: number[] = []
  let passed = 0
  for (const value of outcomes.map(Number).toSorted((one, other) => one - other)) {
    passed += first.get(String(value)) ?? 0
    // Half a step further than the steps themselves: the last end leaves something above it.
    if (passed >= ((ends.length + 1) * total) / (KINDS_MAX + 1) && ends.length < KINDS_MAX)
      ends.push(value)
  }
  return { by: 'number', ends }
}

function kindCount(kinds: Kinds): number {
  return kinds.by === 'label' ? kinds.labels.length : kinds.ends.length
}

function countsOf(kinds: Kinds, answers: Answers): Tally {
  const of = Array<number>(kindCount(kinds)).fill(0)
  let all = 0
  for (const [outcome, count] of answers) {
    all += count
    for (const at of of.keys()) if (isOf(kinds, at, outcome)) of[at] = (of[at] ?? 0) + count
  }
  return { all, of }
}

function isOf(kinds: Kinds, at: number, outcome: string): boolean {
  return kinds.by === 'label'
    ? kinds.labels[at] === outcome
    : Number(outcome) <= (kinds.ends[at] ?? Infinity)
}
