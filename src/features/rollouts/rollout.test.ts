import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { latencyBin, type RevisionPulse } from '#inference'
import { chanceOf } from '../../../tests/support/random.ts'
import { batchOf, judged, type Batch } from './evidence.ts'
import type { Guard, RolloutPlan } from './guards.ts'
import { loudest, numbersOf } from './numbers.ts'
import {
  decided,
  isOpen,
  looked,
  newRollout,
  ordered,
  ORDERS,
  sharesOf,
  type Rollout,
} from './rollout.ts'

const ERRORS: Guard = { kind: 'errors', max: 0.01, overOld: 0.01 }
const P99: Guard = { kind: 'latency', quantile: 0.99, maxMs: 50, timesOld: null }

const planOf = (plan: Partial<RolloutPlan> = {}): RolloutPlan => ({
  steps: [5, 25, 100],
  everyMs: 10_000,
  minSamples: 10,
  guards: [ERRORS, P99],
  alpha: 0.05,
  rollback: 'automatic',
  ...plan,
})

const started = (plan: Partial<RolloutPlan> = {}): Rollout =>
  newRollout({ id: 'r', endpoint: 'late', from: 1, to: 2, plan: planOf(plan) }, 0)

const pulse = (
  revision: number,
  counts: Partial<RevisionPulse> & { tookMs?: number } = {},
): RevisionPulse => {
  const { tookMs = 5, requests = 100, ...rest } = counts
  return {
    revision,
    requests,
    faults: 0,
    refusals: 0,
    latencies: [[latencyBin(tookMs), requests]],
    outcomes: [],
    ...rest,
  }
}

const batch = (
  share: number,
  fresh: Parameters<typeof pulse>[1] = {},
  old: Parameters<typeof pulse>[1] = {},
): Batch => ({ share, fresh: pulse(2, fresh), old: pulse(1, old) })

/** Looks once a second at the same batch until the rollout ends or the seconds are over. */
function watched(
  rollout: Rollout,
  seconds: number,
  each: (rollout: Rollout, second: number) => Batch,
) {
  let now = rollout.lookedMs
  let seen = rollout
  const verdicts: string[] = []
  for (let second = 0; second < seconds && isOpen(seen); second++) {
    now += 1000
    const look = looked(seen, [each(seen, second)], now)
    seen = look.rollout
    if (look.verdict !== 'stays') verdicts.push(look.verdict)
  }
  return { rollout: seen, verdicts }
}

const shareNow = (rollout: Rollout) => sharesOf(rollout).fresh / 100

describe('a good revision', () => {
  test('goes up step by step until it has all traffic', () => {
    const { rollout, verdicts } = watched(started(), 60, (now) => batch(shareNow(now)))
    expect(verdicts).toEqual(['stepped', 'stepped', 'completed'])
    expect(rollout).toMatchObject({ state: 'completed', endedMs: 30_000 })
    expect(sharesOf(rollout)).toEqual({ old: 0, fresh: 100 })
  })

  test('waits at a step until it has answered often enough', () => {
    const few = (now: Rollout) => batch(shareNow(now), { requests: 0, latencies: [] })
    const { rollout, verdicts } = watched(started(), 60, few)
    expect(verdicts).toEqual([])
    expect(rollout).toMatchObject({ state: 'running', step: 0 })
  })

  test('goes on after a restart as if there had been none', () => {
    const straight = watched(started(), 25, (now) => batch(shareNow(now), { faults: 1 }))
    const half = watched(started(), 12, (now) => batch(shareNow(now), { faults: 1 }))
    const read = JSON.parse(JSON.stringify(half.rollout)) as Rollout
    const rest = watched(read, 13, (now) => batch(shareNow(now), { faults: 1 }))
    expect(rest.rollout).toEqual(straight.rollout)
  })

  test('is seldom taken back, whatever is measured: at most one in twenty', () => {
    const chance = chanceOf(5)
    const guards: Guard[] = [
      ERRORS,
      { kind: 'latency', quantile: 0.99, maxMs: 50, timesOld: 1.2 },
      { kind: 'latency', quantile: 0.5, maxMs: null, timesOld: 1.1 },
      { kind: 'drift', max: 0.05 },
    ]
    const arm = (revision: number, requests: number): RevisionPulse => {
      const latencies = new Map<number, number>()
      const outcomes = new Map<string, number>()
      let faults = 0
      for (let at = 0; at < requests; at++) {
        const bin = latencyBin(
          5 * Math.exp(0.9 * (chance.next() + chance.next() + chance.next() - 1.5) * 2),
        )
        latencies.set(bin, (latencies.get(bin) ?? 0) + 1)
        const outcome = `${Math.floor(chance.next() * 4)}`
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        if (chance.next() < 0.01) faults++
      }
      return {
        revision,
        requests,
        faults,
        refusals: 0,
        latencies: [...latencies],
        outcomes: [...outcomes],
      }
    }
    const rollouts = 150
    let rolledBack = 0
    for (let at = 0; at < rollouts; at++) {
      const { rollout } = watched(started({ guards }), 40, (now) => {
        const share = shareNow(now)
        let fresh = 0
        for (let request = 0; request < 60; request++) if (chance.next() < share) fresh++
        return { share, fresh: arm(2, fresh), old: arm(1, 60 - fresh) }
      })
      if (rollout.state === 'rolled-back') rolledBack++
    }
    expect(rolledBack).toBeLessThanOrEqual(0.05 * rollouts + 3.7 * Math.sqrt(0.0475 * rollouts))
  })
})

describe('a bad revision is rolled back, with numbers,', () => {
  const cases: [string, Guard[], Parameters<typeof pulse>[1], Parameters<typeof pulse>[1]][] = [
    ['when it fails', [ERRORS], { requests: 5, faults: 5 }, { requests: 95 }],
    ['when it is slow', [P99], { requests: 5, tookMs: 80 }, { requests: 95 }],
    [
      'when it is slower than the old one',
      [{ kind: 'latency', quantile: 0.5, maxMs: null, timesOld: 1.5 }],
      { requests: 5, tookMs: 10 },
      { requests: 95 },
    ],
    [
      'when it refuses what the old one answers',
      [ERRORS],
      { requests: 5, refusals: 5 },
      { requests: 95 },
    ],
    [
      'when it says something else',
      [{ kind: 'drift', max: 0.1 }],
      { requests: 5, outcomes: [['late', 5]] },
      {
        requests: 95,
        outcomes: [
          ['late', 20],
          ['on time', 75],
        ],
      },
    ],
    [
      'when its numbers are others',
      [{ kind: 'drift', max: 0.1 }],
      {
        requests: 5,
        outcomes: [
          ['0.9', 3],
          ['0.95', 2],
        ],
      },
      {
        requests: 90,
        outcomes: Array.from({ length: 9 }, (_, at) => [`0.${at + 1}`, 10] as const),
      },
    ],
  ]
  test.each(cases)('%s', (_, guards, fresh, old) => {
    const { rollout, verdicts } = watched(started({ guards }), 10, () => batch(0.05, fresh, old))
    expect(verdicts).toEqual(['rolled-back'])
    expect(sharesOf(rollout)).toEqual({ old: 100, fresh: 0 })
    const numbers = numbersOf(rollout)
    expect(numbers.e).toBeGreaterThanOrEqual(numbers.threshold)
    expect(loudest(numbers)?.e).toBeGreaterThanOrEqual(numbers.e)
    expect(JSON.parse(JSON.stringify(numbers))).toEqual(numbers)
  })

  test('when it says something else, by the shares of the answer in which they differ most', () => {
    const { rollout } = watched(started({ guards: [{ kind: 'drift', max: 0.1 }] }), 10, () =>
      batch(
        0.5,
        {
          requests: 50,
          outcomes: [
            ['a', 40],
            ['b', 10],
          ],
        },
        {
          requests: 50,
          outcomes: [
            ['a', 15],
            ['b', 10],
            ['c', 25],
          ],
        },
      ),
    )
    expect(loudest(numbersOf(rollout))).toMatchObject({
      guard: 'drift',
      new: { estimate: 0.8 },
      old: { estimate: 0.3 },
    })
    const text = JSON.stringify(rollout, (_, value: object) =>
      value !== null && typeof value === 'object' && 'tests' in value && 'logE' in value
        ? { ...value, fresh: undefined }
        : value,
    )
    const older = numbersOf(JSON.parse(text) as Rollout)
    expect(older.guards[0]?.new.estimate, 'of one that began before').toBeNull()
  })

  test('when truths say that it is worse', () => {
    const guards: Guard[] = [
      { kind: 'quality', metric: 'accuracy', drop: 0.02, scale: 1, settleMs: 0 },
    ]
    const day = {
      share: 0.25,
      fresh: [1, 1, 0, 1, 0],
      old: [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    }
    let { evidence } = started({ guards })
    for (let days = 0; days < 40; days++) evidence = judged(evidence, guards, day)
    const rollout = { ...started({ guards }), evidence }
    expect(decided(rollout).verdict).toBe('rolled-back')
    expect(numbersOf(rollout).guards[0]).toMatchObject({
      guard: 'quality',
      new: { n: 200, estimate: 0.6 },
    })
  })

  test('but not for what both do: a bad hour of the callers is not its fault', () => {
    const guards: Guard[] = [{ kind: 'errors', max: null, overOld: 0 }]
    const { rollout } = watched(started({ guards }), 25, (now) => {
      const fresh = Math.round(100 * shareNow(now))
      return batch(
        shareNow(now),
        { requests: fresh, refusals: Math.round(0.4 * fresh) },
        { requests: 100 - fresh, refusals: Math.round(0.4 * (100 - fresh)) },
      )
    })
    expect(isOpen(rollout)).toBe(true)
  })

  test('or waits for a person where it may not do so by itself', () => {
    const plan = { guards: [ERRORS], rollback: 'manual' as const }
    const { rollout, verdicts } = watched(started(plan), 10, () => batch(0.05, { faults: 50 }))
    expect(verdicts).toEqual(['objected'])
    expect(rollout).toMatchObject({ state: 'paused', reason: 'a guard objects' })
    const resumed = ordered(rollout, 'resume', { nowMs: 20_000, reason: null })
    expect(looked(resumed, [], 21_000)).toMatchObject({ verdict: 'stays' })
  })
})

describe('orders', () => {
  const at = { nowMs: 5000, reason: null }

  test('a pause stops the time of the step and not the guards', () => {
    const paused = ordered(started(), 'pause', at)
    const later = watched(paused, 60, (now) => batch(shareNow(now)))
    expect(later.rollout).toMatchObject({ state: 'paused', step: 0, stepMs: 5000 })
    const resumed = ordered(later.rollout, 'resume', { ...at, nowMs: 70_000 })
    expect(looked(resumed, [batch(0.05)], 74_999).verdict).toBe('stays')
    expect(looked(resumed, [batch(0.05)], 75_000).verdict).toBe('stepped')
    const bad = watched(paused, 5, () => batch(0.05, { faults: 100 }))
    expect(bad.verdicts).toEqual(['rolled-back'])
  })

  test.each([
    ['abort', 'aborted', { old: 100, fresh: 0 }],
    ['finish', 'completed', { old: 0, fresh: 100 }],
  ] as const)('%s ends it at once', (order, state, shares) => {
    const done = ordered(started(), order, { nowMs: 1, reason: 'because' })
    expect(done).toMatchObject({ state, endedMs: 1, reason: 'because' })
    expect(sharesOf(done)).toEqual(shares)
  })

  test('a completed one can be undone, once', () => {
    const undone = ordered(ordered(started(), 'finish', at), 'undo', at)
    expect(sharesOf(undone)).toEqual({ old: 100, fresh: 0 })
    expect(() => ordered(undone, 'undo', at)).toThrow(/is undone/)
  })

  test('in any order and between any batches leave it whole, and what has ended stays so', () => {
    const step = fc.oneof(
      fc.constantFrom(...ORDERS),
      fc.record({
        ms: fc.nat(20_000),
        faults: fc.nat(3),
        requests: fc.integer({ min: 3, max: 50 }),
      }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let rollout = started()
        let now = 0
        for (const each of steps) {
          const before = rollout
          if (typeof each === 'string') {
            try {
              rollout = ordered(rollout, each, { nowMs: now, reason: null })
            } catch (error) {
              expect(error).toMatchObject({ code: 'conflict' })
            }
          } else {
            now += each.ms
            rollout = looked(rollout, [batch(shareNow(rollout), each)], now).rollout
            if (!isOpen(before)) expect(rollout).toEqual(before)
          }
          const { old, fresh } = sharesOf(rollout)
          expect(old + fresh).toBe(100)
          expect(rollout.endedMs === null).toBe(isOpen(rollout))
          expect(rollout.step).toBeGreaterThanOrEqual(before.step)
        }
      }),
    )
  })
})

test('a pulse gives what it says of the two revisions, and their shares of what both got', () => {
  const weights = [
    { revision: 1, weight: 60 },
    { revision: 2, weight: 20 },
    { revision: 7, weight: 20 },
  ]
  const read = batchOf(
    { endpoint: 'late', weights, revisions: [pulse(2), pulse(7)] },
    { from: 1, to: 2 },
  )
  expect(read.share).toBe(0.25)
  expect(read.old.requests).toBe(0)
  expect(read.fresh.requests).toBe(100)
})
