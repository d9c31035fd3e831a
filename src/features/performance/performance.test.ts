import { describe, expect, test } from 'vitest'
import { performanceOf, type MeasuredPerformance } from './performance.ts'
import type { Label } from '#statistics'

describe('performance', () => {
  const labels = Array.from({ length: 600 }, (_, index): Label => (index % 3 === 0 ? 1 : 0))
  /** Ranks the positives a little higher: the more `skill`, the more. */
  const scores = (skill: number) =>
    labels.map((label, index) => ((index * 37) % 101) / 202 + (label * skill) / 2)

  test('is measured with its interval and calibration', () => {
    const found = measured(scores(0.3))
    expect(found.ciLow).toBeLessThan(found.auc)
    expect(found.ciHigh).toBeGreaterThan(found.auc)
    expect(found.calibration.observed).toBeCloseTo(1 / 3, 6)
    expect(found.calibration.difference).toBeCloseTo(
      found.calibration.predicted - found.calibration.observed,
      9,
    )
  })

  test('is below only when a least is asked for, and certainly when the interval is', () => {
    const { auc, ciHigh } = measured(scores(0.1))
    expect(measured(scores(0.1)).below).toBe('no')
    expect(measured(scores(0.1), auc).below).toBe('no')
    expect(measured(scores(0.1), (auc + ciHigh) / 2).below).toBe('yes')
    expect(measured(scores(0.1), ciHigh + 0.01).below).toBe('certainly')
  })

  test('is not judged by too few labels, or too few of one class', () => {
    const few = performanceOf(labels.slice(0, 99), scores(1).slice(0, 99), { samplesMin: 100 })
    expect(few).toEqual({
      state: 'too-few',
      reason: '99 labels are fewer than 100',
      labels: 99,
    })
    const rare = labels.map((_, index): Label => (index < 9 ? 1 : 0))
    expect(performanceOf(rare, scores(1), { samplesMin: 100 })).toMatchObject({
      state: 'too-few',
      reason: '9 labels of one class are fewer than 10',
    })
  })

  function measured(of: readonly number[], aucMin?: number): MeasuredPerformance {
    return performanceOf(labels, of, {
      samplesMin: 100,
      ...(aucMin === undefined ? {} : { aucMin }),
    }) as MeasuredPerformance
  }
})
