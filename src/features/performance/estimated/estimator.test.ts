import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import type { AnsweredRow } from '../tasks.ts'
import { estimate, fitEstimator, realised, type Estimator } from './estimator.ts'

describe('an estimator', () => {
  test('of a binary classifier tells unlabelled windows as they turn out to be', () => {
    const estimator = fitted(binary(1, 3000, 1))
    expect(estimator).toMatchObject({ task: 'binary', rows: 3000 })
    const later = binary(2, 2000, 2)
    const unlabelled = changed(later, { label: null })
    const told = estimate(estimator, unlabelled)
    const real = realised(estimator, later)
    expect(told.map(({ metric }) => metric).toSorted()).toEqual(Object.keys(real).toSorted())
    for (const { metric, value, ciLow, ciHigh } of told) {
      expect(Math.abs(value - (real[metric] ?? Number.NaN))).toBeLessThan(0.04)
      expect((ciLow ?? 0) <= value && value <= (ciHigh ?? 0)).toBe(true)
    }
    // The world is harder than that of the reference, and the estimate says so.
    const auc = told.find(({ metric }) => metric === 'roc_auc')
    expect(auc?.value).toBeLessThan((estimator.usual['roc_auc']?.value ?? 0) - 0.02)
  })

  test('of classes by name tells what truths in another window lack', () => {
    const estimator = fitted(named(3, 2000))
    expect(estimator.roles.classes).toEqual(['cat', 'dog', 'owl'])
    const window = changed(named(4, 500), { label: null })
    expect(estimate(estimator, window).map(({ metric }) => metric)).toContain('f1_macro')
  })

  test('of numbers tells the loss', () => {
    const estimator = fitted(numbers(5, 600))
    const [mae] = estimate(estimator, numbers(6, 500))
    expect(mae?.metric).toBe('mae')
    expect(mae?.value).toBeCloseTo(realised(estimator, numbers(6, 500))['mae'] ?? 0, 0)
  })

  test('is none where nothing can be learnt, with the reason', () => {
    expect(fitEstimator([])).toEqual({ state: 'unfit', reason: 'no answer has a truth yet' })
    const classes = changed(binary(1, 50, 1), { outputs: { label: 'yes' } })
    const reason = 'answers are classes without their probabilities'
    expect(fitEstimator(classes)).toEqual({ state: 'unfit', reason })
    const margins = changed(binary(1, 50, 1), { outputs: { score: 7.5 } })
    expect(fitEstimator(margins, { task: 'binary' })).toEqual({ state: 'unfit', reason })
    const ranking = numbers(1, 50)
    expect(fitEstimator(ranking, { task: 'ranking', group: 'x' })).toMatchObject({ state: 'unfit' })
  })

  test('takes rows that cannot be read for none', () => {
    const estimator = fitted(binary(1, 500, 1))
    const strange = changed(binary(2, 3, 1), { outputs: { other: 'x' } })
    expect(estimate(estimator, strange).every(({ value }) => Number.isNaN(value))).toBe(true)
  })
})

function changed(rows: readonly AnsweredRow[], to: Partial<AnsweredRow>): AnsweredRow[] {
  return rows.map((row) => Object.assign({}, row, to))
}

function fitted(rows: readonly AnsweredRow[]): Estimator {
  const found = fitEstimator(rows)
  if (found.state === 'unfit') throw new Error(found.reason)
  return JSON.parse(JSON.stringify(found.estimator)) as Estimator
}

/** `hard`: the higher, the more rows lie where nobody can tell. */
function binary(seed: number, length: number, hard: number): AnsweredRow[] {
  const random = seededDraws(seed)
  return Array.from({ length }, () => {
    const chance = 0.5 + (random() - 0.5) / hard
    return {
      inputs: { x: random() },
      outputs: { probability: chance },
      label: random() < chance ? 1 : 0,
    }
  })
}

function named(seed: number, length: number): AnsweredRow[] {
  const random = seededDraws(seed)
  const names = ['cat', 'dog', 'owl']
  return Array.from({ length }, () => {
    const weights = names.map(() => random() ** 3)
    const all = weights.reduce((sum, weight) => sum + weight, 0)
    const shares = weights.map((weight) => weight / all)
    const drawn = random()
    const truth = drawn < (shares[0] ?? 0) ? 0 : drawn < (shares[0] ?? 0) + (shares[1] ?? 0) ? 1 : 2
    const said = shares.indexOf(Math.max(...shares))
    return {
      inputs: { x: random() },
      outputs: { class: names[said] ?? '', probabilities: shares },
      label: names[truth] ?? '',
    }
  })
}

function numbers(seed: number, length: number): AnsweredRow[] {
  const random = seededDraws(seed)
  return Array.from({ length }, () => {
    const x = random()
    return {
      inputs: { x },
      outputs: { prediction: 10 * x },
      label: 10 * x + (random() - 0.5) * x * 8,
    }
  })
}
