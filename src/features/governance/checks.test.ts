import { describe, expect, test } from 'vitest'
import { betterThanCheck, measuredCheck, metricCheck, signatureCheck } from './checks.ts'
import type { Comparison } from './checks.ts'

const rule = { alias: 'champion', metric: 'roc_auc', by: 0.01, confidence: 0.95 }

function compared(confidence: number, rest: Partial<Comparison> = {}): Comparison {
  const found = {
    candidate: 0.7,
    champion: 0.68,
    difference: 0.02,
    ciLow: 0.001,
    ciHigh: 0.04,
    confidence,
  }
  return { rows: 1000, positives: 100, fromMs: 0, toMs: 86_400_000, found, ...rest }
}

describe('better_than', () => {
  test('passes a first version, for there is nothing to compare with', () => {
    expect(betterThanCheck(rule, undefined)).toMatchObject({
      passed: true,
      reason: expect.stringContaining('nothing to compare'),
    })
  })

  test('refuses on too few labelled predictions, whatever the scores say', () => {
    const few = betterThanCheck(rule, compared(1, { positives: 49 }))
    expect(few.passed).toBe(false)
    expect(few.reason).toContain('at least 50 of each class')
    const amounts = betterThanCheck(rule, compared(1, { positives: null, rows: 99 }))
    expect(amounts.passed).toBe(false)
    expect(amounts.reason).toContain('at least 100')
  })

  test('refuses what could not be compared, and says why', () => {
    const result = betterThanCheck(rule, compared(1, { found: 'regression has no metric roc_auc' }))
    expect(result).toMatchObject({ passed: false, reason: 'regression has no metric roc_auc' })
  })

  test('passes with the confidence that is asked for, and refuses with less', () => {
    expect(betterThanCheck(rule, compared(0.95)).passed).toBe(true)
    expect(betterThanCheck(rule, compared(0.9499)).passed).toBe(false)
  })

  test('tells both values, the interval and what was asked for, and keeps the figures as evidence', () => {
    const result = betterThanCheck({ ...rule, metric: 'f1' }, compared(0.99))
    expect(result.reason).toBe(
      'f1 0.7000 against 0.6800 on 1000 labelled predictions that neither has seen: better by more than 0.01 with 99.0 % confidence, 95.0 % is asked for (it is better by 0.0010 to 0.0400)',
    )
    expect(result.evidence).toMatchObject({ rows: 1000, positives: 100, candidate: 0.7, by: 0.01 })
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
