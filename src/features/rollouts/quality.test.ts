import { expect, test } from 'vitest'
import type { PredictionQueries, PredictionRow } from '#serving'
import type { QualityGuard } from './guards.ts'
import { numbersOf } from './numbers.ts'
import { withTruths } from './quality.ts'
import { decided, newRollout, type Rollout } from './rollout.ts'

const GUARD: QualityGuard = {
  kind: 'quality',
  metric: 'accuracy',
  drop: 0.02,
  scale: 1,
  settleMs: 60_000,
}

const rollout = (guard: QualityGuard = GUARD): Rollout =>
  newRollout(
    {
      id: 'r',
      endpoint: 'late',
      from: 1,
      to: 2,
      plan: {
        steps: [25, 100],
        everyMs: 1e9,
        minSamples: 0,
        guards: [guard],
        alpha: 0.05,
        rollback: 'automatic',
      },
    },
    0,
  )

const row = (
  revision: number,
  atMs: number,
  said: number | string,
  label: number | string | null,
): PredictionRow => ({
  id: `${atMs}-0`,
  batch: `${atMs}`,
  revision,
  modelVersion: `late/${revision}`,
  role: 'live',
  eventMs: atMs,
  atMs,
  latencyMs: 1,
  key: null,
  inputs: {},
  outputs: { label: said },
  label,
})

/** A log of these rows, given out two at a time. */
const logOf =
  (rows: readonly PredictionRow[]): PredictionQueries['window'] =>
  async (_, { fromMs, toMs, after }) => {
    const found = rows.filter(({ eventMs }) => eventMs >= fromMs && eventMs < toMs)
    const at = Number(after ?? 0)
    return { rows: found.slice(at, at + 2), next: at + 2 < found.length ? String(at + 2) : null }
  }

test('a revision that is more often wrong is found by the truths that came in time, each counted once', async () => {
  const rows = Array.from({ length: 400 }, (_, at) => {
    const revision = at % 4 === 0 ? 2 : 1
    return row(revision, 5000 + 100 * at, 1, revision === 2 && at % 8 === 0 ? 0 : 1)
  })
  const log = logOf(rows)
  let seen = await withTruths(rollout(), log, 61_000)
  expect(numbersOf(seen).guards[0]?.new.n).toBe(0)
  for (const nowMs of [75_000, 80_000, 80_000, 200_000]) seen = await withTruths(seen, log, nowMs)
  expect(numbersOf(seen).guards[0]).toMatchObject({
    guard: 'quality',
    new: { n: 100, estimate: 0.5 },
    old: { n: 300, estimate: 0 },
  })
  expect(decided(seen).verdict).toBe('rolled-back')
})

test('what has no truth, was divided nobody knows how, or cannot be compared is left out', async () => {
  const rows = [
    row(1, 500, 1, 0),
    row(1, 5000, 1, null),
    row(2, 6000, 'late', 1),
    row(2, 7000, 3, 1),
    row(1, 8000, 2, 1),
  ]
  const guard: QualityGuard = { ...GUARD, metric: 'error', scale: 4 }
  const seen = await withTruths(rollout(guard), logOf(rows), 100_000)
  expect(numbersOf(seen).guards[0]).toMatchObject({
    new: { n: 1, estimate: 0.5 },
    old: { n: 1, estimate: 0.25 },
  })
})
