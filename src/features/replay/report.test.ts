import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { reportOf, type ReplayedRow } from './report.ts'
import { seededDraws } from '#base/seeded'
import { comparedMeans, quantilesOf, shareOf } from './statistics.ts'

const row = (part: Partial<ReplayedRow>): ReplayedRow => ({
  inputs: {},
  live: { score: 0.5 },
  answeredBy: 'm/1',
  candidate: { score: 0.5 },
  label: null,
  latencyMs: 1,
  ...part,
})

const LABELS = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0]
const ONE = [0.9, 0.2, 0.6, 0.4, 0.45, 0.1, 0.8, 0.7, 1, 0.3]
const OTHER = [0.6, 0.5, 0.55, 0.3, 0.2, 0.4, 0.9, 0.6, 0.7, 0.1]

test('Wilson’s interval is that of scipy.stats.binomtest', () => {
  for (const [count, rows, low, high] of [
    [7, 50, 0.06950833427016292, 0.26186193710585537],
    [0, 30, 0, 0.11351339317396875],
    [30, 30, 0.8864866068260312, 1],
    [1, 1000, 0.00017654637062607809, 0.0056425585979579355],
  ] as const) {
    const share = shareOf(count, rows)
    expect(share.low).toBeCloseTo(low, 12)
    expect(share.high).toBeCloseTo(high, 12)
  }
})

test('quantiles are those of numpy', () => {
  const [p50 = 0, p90 = 0, p99 = 0] = quantilesOf([0.3, 1.5, -2, 8, 8, 3.25, 100], [0.5, 0.9, 0.99])
  expect(p50).toBe(3.25)
  expect(p90).toBeCloseTo(44.8, 10)
  expect(p99).toBeCloseTo(94.48, 10)
})

test('metrics of classifiers are those of scikit-learn', () => {
  const rows = LABELS.map((label, index) => {
    const of = (score = 0) => ({ probabilities: [1 - score, score] })
    return row({ label, candidate: of(ONE[index]), live: of(OTHER[index]) })
  })
  const { kind, labels, metrics } = reportOf(rows, { tolerance: 0, kind: 'auto' })
  expect({ kind, labels }).toEqual({ kind: 'classification', labels: 10 })
  const { roc_auc: auc, log_loss: loss, accuracy } = metrics
  expect(auc?.candidate).toBeCloseTo(0.88, 12)
  expect(auc?.live).toBeCloseTo(0.82, 12)
  expect(loss?.candidate).toBeCloseTo(0.42426092386045067, 12)
  expect(loss?.live).toBeCloseTo(0.5223438491616232, 12)
  expect(accuracy).toMatchObject({ candidate: 0.8, live: 0.8 })
})

test('metrics of regressions are those of scikit-learn, and tolerance decides what agrees', () => {
  const rows = LABELS.map((label, index) =>
    row({ label, candidate: { late: ONE[index] ?? 0 }, live: { late: OTHER[index] ?? 0 } }),
  )
  const { kind, metrics, disagreements } = reportOf(rows, { tolerance: 0.25, kind: 'auto' })
  expect(kind).toBe('regression')
  expect(metrics['mae']?.candidate).toBeCloseTo(0.305, 12)
  expect(metrics['rmse']?.candidate).toBeCloseTo(0.3744996662214801, 12)
  const apart = ONE.filter((one, index) => Math.abs(one - (OTHER[index] ?? 0)) > 0.25)
  expect(disagreements).toBe(apart.length)
})

test('the bootstrap covers a difference that is there, and says nothing of one that is not', () => {
  const draw = seededDraws(7)
  const noise = Array.from({ length: 2000 }, () => draw())
  const same = comparedMeans({ candidate: noise, live: noise }, { draw })
  expect(same.difference).toEqual({ value: 0, low: 0, high: 0 })
  const higher = noise.map((value) => value + 0.1 + 0.01 * draw())
  const found = comparedMeans({ candidate: higher, live: noise }, { draw })
  expect(found.difference.low).toBeGreaterThan(0.1)
  expect(found.difference.high).toBeLessThan(0.11)
})

test('the slice where the two disagree comes first, and small ones are not named', () => {
  const rows = Array.from({ length: 1000 }, (_, index) => {
    const carrier = index % 5 === 0 ? 'B6' : 'AA'
    const flips = carrier === 'B6' && index % 2 === 0
    return row({
      inputs: { carrier, hour: index % 24, rare: index < 10 ? 'x' : 'y' },
      live: { label: 0 },
      candidate: { label: flips ? 1 : 0 },
    })
  })
  const { slices, disagreements, disagreement } = reportOf(rows, { tolerance: 0, kind: 'auto' })
  expect({ disagreements, share: disagreement.value }).toEqual({ disagreements: 100, share: 0.1 })
  expect(slices[0]).toMatchObject({
    column: 'carrier',
    where: '= "B6"',
    rows: 200,
    disagreements: 100,
  })
  expect(slices.map(({ where }) => where)).not.toContain('= "x"')
  expect(slices.filter(({ column }) => column === 'hour').length).toBeLessThanOrEqual(4)
})

test('where several versions answered, the one that it disagrees with is named', () => {
  const rows = Array.from({ length: 200 }, (_, index) => {
    const isOld = index % 4 > 0
    const [answeredBy, label] = isOld ? ['m/1', 0] : ['m/2', 1]
    return row({
      inputs: { hour: index % 24 },
      answeredBy,
      live: { label },
      candidate: { label: 0 },
    })
  })
  const { slices } = reportOf(rows, { tolerance: 0, kind: 'auto' })
  expect(slices[0]).toMatchObject({
    column: 'answered by',
    where: '= "m/2"',
    rows: 50,
    disagreements: 50,
  })
})

test('a model never disagrees with itself, whatever it answers', () => {
  const value = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 4 }),
  )
  const outputs = fc.dictionary(fc.string(), value, { minKeys: 1, maxKeys: 3 })
  const rows = fc.array(fc.tuple(outputs, fc.oneof(fc.constant(null), fc.constantFrom(0, 1))))
  fc.assert(
    fc.property(rows, (all) => {
      const replayed = all.map(([said, label]) => row({ live: said, candidate: said, label }))
      const { disagreements, rows: count } = reportOf(replayed, { tolerance: 0, kind: 'auto' })
      expect({ disagreements, count }).toEqual({ disagreements: 0, count: all.length })
    }),
  )
})
