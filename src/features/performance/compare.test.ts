import { expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { compareAucs, type Label } from '#statistics'
import { comparePerformance, type PairedComparison } from './compare.ts'
import type { AnsweredRow } from './tasks.ts'

type Rows = Omit<AnsweredRow, 'outputs'>[]
type Outputs = AnsweredRow['outputs'][]

/** Amounts with noise; the candidate errs by `candidate`, the champion by `champion`, each in its own way. */
function amounts(count: number, seed: number, spread: { candidate: number; champion: number }) {
  const draw = seededDraws(seed)
  const noise = () => draw() + draw() + draw() - 1.5
  const rows: Rows = []
  const candidate: Outputs = []
  const champion: Outputs = []
  for (let at = 0; at < count; at++) {
    const label = draw() * 100
    rows.push({ inputs: {}, label, key: null })
    candidate.push({ prediction: label + noise() * spread.candidate })
    champion.push({ prediction: label + noise() * spread.champion })
  }
  return { rows, outputs: { candidate, champion } }
}

function found(of: ReturnType<typeof amounts>, metric: string, by = 0): PairedComparison {
  const result = comparePerformance(of.rows, of.outputs, {
    metric,
    by,
    roles: { task: 'regression' },
  })
  if (typeof result === 'string') throw new Error(result)
  return result
}

test('less of an error is better, and how sure that is follows the rows', () => {
  const few = found(amounts(100, 1, { candidate: 9.5, champion: 10 }), 'rmse')
  const many = found(amounts(6000, 1, { candidate: 9.5, champion: 10 }), 'rmse')
  expect(many.difference).toBeCloseTo(many.champion - many.candidate, 12)
  expect(many.confidence).toBeGreaterThan(0.99)
  expect(few.confidence).toBeLessThan(0.95)
  expect(many.ciHigh - many.ciLow).toBeLessThan((few.ciHigh - few.ciLow) / 4)
})

test('the interval covers no difference as often as it says, when there is none', () => {
  const runs = Array.from({ length: 40 }, (_, seed) =>
    found(amounts(150, seed + 1, { candidate: 10, champion: 10 }), 'mae'),
  )
  const covered = runs.filter(({ ciLow, ciHigh }) => ciLow <= 0 && ciHigh >= 0).length
  expect(covered).toBeGreaterThanOrEqual(35)
  expect(runs.filter(({ confidence }) => confidence >= 0.95).length).toBeLessThanOrEqual(6)
})

test('a margin that is asked for lowers the confidence', () => {
  const of = amounts(2000, 3, { candidate: 8, champion: 10 })
  expect(found(of, 'rmse', 0).confidence).toBeGreaterThan(0.99)
  expect(found(of, 'rmse', 4).confidence).toBeLessThan(0.01)
})

const classes = (() => {
  const draw = seededDraws(5)
  const rows: Rows = []
  const candidate: Outputs = []
  const champion: Outputs = []
  for (let at = 0; at < 800; at++) {
    const label = Number(draw() < 0.3)
    const noise = draw()
    rows.push({ inputs: {}, label, key: null })
    candidate.push({ probability: 0.3 * label + 0.7 * noise })
    champion.push({ probability: 0.2 * label + 0.8 * draw() })
  }
  return { rows, outputs: { candidate, champion } }
})()

test('ROC-AUC is compared as DeLong has it', () => {
  const result = comparePerformance(classes.rows, classes.outputs, { metric: 'roc_auc', by: 0.01 })
  const scores = (of: Outputs) => of.map(({ probability }) => Number(probability))
  const known = compareAucs(
    {
      labels: classes.rows.map(({ label }) => label as Label),
      candidate: scores(classes.outputs.candidate),
      champion: scores(classes.outputs.champion),
    },
    { by: 0.01 },
  )
  expect(result).toMatchObject({ positives: expect.any(Number), rows: 800 })
  const { ciLow, ciHigh, confidence } = result as PairedComparison
  expect(ciLow).toBeCloseTo(known?.ciLow ?? 0, 12)
  expect(ciHigh).toBeCloseTo(known?.ciHigh ?? 0, 12)
  expect(confidence).toBeCloseTo(known?.confidence ?? 0, 12)
})

test.each(['f1', 'log_loss', 'average_precision', 'ece'])('%s of two classes too', (metric) => {
  const result = comparePerformance(classes.rows, classes.outputs, { metric })
  expect(result).toMatchObject({ metric })
  const { difference, ciLow, ciHigh } = result as PairedComparison
  expect(ciLow).toBeLessThan(difference)
  expect(ciHigh).toBeGreaterThan(difference)
})

test('rows that only one of them answers are left out, and what cannot be compared says why', () => {
  const { rows, outputs } = amounts(200, 9, { candidate: 1, champion: 2 })
  const gaps = { ...outputs, candidate: outputs.candidate.map((each, at) => (at < 50 ? {} : each)) }
  expect(comparePerformance(rows, gaps, { metric: 'mae' })).toMatchObject({ rows: 150 })
  expect(comparePerformance(rows, outputs, { metric: 'ndcg' })).toContain('has no metric ndcg')
  expect(comparePerformance([], { candidate: [], champion: [] }, { metric: 'mae' })).toContain(
    'no prediction has a label',
  )
})
