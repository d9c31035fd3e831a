import { describe, expect, test } from 'vitest'
import {
  betterThanCheck,
  measuredCheck,
  metricCheck,
  signatureCheck,
  type Comparison,
  type Replay,
} from './checks.ts'

const rule = { alias: 'champion', metric: 'roc_auc' as const, by: 0, confidence: 0.95 }

function replayOf(positives: number, negatives: number): Replay {
  const labels = [...Array<1>(positives).fill(1), ...Array<0>(negatives).fill(0)]
  const scores = labels.map(() => 0.5)
  return { labels, candidate: scores, champion: scores, fromMs: 0, toMs: 86_400_000 }
}

function comparisonWith(confidence: number): Comparison {
  return {
    candidate: 0.7,
    champion: 0.68,
    difference: 0.02,
    ciLow: 0.001,
    ciHigh: 0.04,
    confidence,
  }
}

describe('better_than', () => {
  test('passes a first version, for there is nothing to compare with', () => {
    const result = betterThanCheck(rule, undefined, () => comparisonWith(0))
    expect(result).toMatchObject({
      passed: true,
      reason: expect.stringContaining('nothing to compare'),
    })
  })

  test('refuses on too few labelled predictions, whatever the scores say', () => {
    const result = betterThanCheck(rule, replayOf(49, 1000), () => comparisonWith(1))
    expect(result.passed).toBe(false)
    expect(result.reason).toContain('at least 50 of each class')
  })

  test('passes with the confidence that is asked for, and refuses with less', () => {
    const replay = replayOf(100, 900)
    expect(betterThanCheck(rule, replay, () => comparisonWith(0.95)).passed).toBe(true)
    expect(betterThanCheck(rule, replay, () => comparisonWith(0.9499)).passed).toBe(false)
  })

  test('hands the wanted margin to the comparison and keeps its figures as evidence', () => {
    const asked: number[] = []
    const result = betterThanCheck({ ...rule, by: 0.01 }, replayOf(100, 900), (_, by) => {
      asked.push(by)
      return comparisonWith(0.99)
    })
    expect(asked).toEqual([0.01])
    expect(result.evidence).toMatchObject({
      rows: 1000,
      positives: 100,
      candidate: 0.7,
      champion: 0.68,
    })
  })
})

describe('a metric on predictions', () => {
  const found = { value: 9, ciLow: 8, ciHigh: 10, rows: 400, fromMs: 0, toMs: 1 }

  test('is within its bounds or not, and tells its interval', () => {
    const within = measuredCheck({ name: 'rmse', max: 12, on: 'predictions' }, found)
    expect(within).toMatchObject({ check: 'metric rmse on predictions', passed: true })
    expect(within.reason).toBe(
      'rmse is 9.0000 (8.0000 to 10.0000) on 400 labelled predictions that it has not seen; it must be at most 12',
    )
    expect(measuredCheck({ name: 'rmse', max: 8 }, found).passed).toBe(false)
  })

  test('that could not be measured does not pass, and says why', () => {
    const note = '3 labels are fewer than 100'
    const result = measuredCheck({ name: 'f1', min: 0 }, { ...found, value: null, note })
    expect(result.passed).toBe(false)
    expect(result.reason).toContain(note)
  })
})

describe('metric', () => {
  test.each([
    [0.6, true],
    [0.5999, false],
    [undefined, false],
  ])('a value of %s against a minimum of 0.6 passes: %s', (value, passed) => {
    expect(metricCheck({ name: 'roc_auc', min: 0.6 }, value).passed).toBe(passed)
  })

  test('NaN is within no bounds', () => {
    expect(metricCheck({ name: 'loss', max: 1 }, Number.NaN).passed).toBe(false)
  })
})

test('a model without signature is refused with what to do', () => {
  expect(signatureCheck(false)).toMatchObject({
    passed: false,
    reason: expect.stringContaining('signature='),
  })
})
