import { describe, expect, test } from 'vitest'
import values from './golden/values.json' with { type: 'json' }
import { brier, calibrationInTheLarge, expectedCalibrationError, logLoss } from './calibration.ts'
import { benjaminiHochberg } from './counts/discoveries.ts'
import { twoProportions, wilson } from './counts/shares.ts'
import { chiSquareContingency } from './counts/tables.ts'
import * as distributions from './distributions.ts'
import { aucOf, compareAucs, type Label } from './ranking.ts'
import { atomsOf, wasserstein } from './samples/atoms.ts'
import { kolmogorovSmirnov } from './samples/kolmogorov.ts'
import { sampleOf } from './samples/sample.ts'
import { hellinger, jensenShannon, largestDifference, psi, totalVariation } from '#base/shares'

/** Relative error, with a floor for values that are 0 but for rounding. */
function errorOf(found: number | undefined, expected: number | undefined): number {
  return Math.abs((found ?? NaN) - (expected ?? NaN)) / Math.max(Math.abs(expected ?? 0), 1e-12)
}

/** Nothing is compared to fewer digits than this unless it says so. */
const CLOSE = 1e-9

describe('distribution functions agree with SciPy', () => {
  const functions: Record<string, (...given: number[]) => number> = { ...distributions }
  for (const [name, rows] of Object.entries(values.distributions))
    test(`${name} to 1e-11`, () => {
      for (const row of rows)
        expect(errorOf(functions[name]?.(...row.slice(0, -1)), row.at(-1))).toBeLessThan(1e-11)
    })

  test('a tail too small for a double is 0, and its complement 1', () => {
    expect(distributions.chiSquareSf(5000, 2)).toBe(0)
    expect(distributions.chiSquareSf(1e-300, 400)).toBe(1)
    expect(distributions.chiSquareSf(0, 3)).toBe(1)
  })
})

test('distances over shares agree with SciPy and NumPy', () => {
  const distances = { psi, jensenShannon, hellinger, totalVariation, largestDifference }
  for (const { reference, current, ...expected } of values.shares)
    for (const [name, distance] of Object.entries(expected))
      expect(
        errorOf(distances[name as keyof typeof expected](reference, current), distance),
      ).toBeLessThan(CLOSE)
})

test('equal shares are at no distance, and disjoint ones at the largest', () => {
  expect(psi([10, 20], [100, 200])).toBe(0)
  expect(jensenShannon([10, 20], [100, 200])).toBe(0)
  expect(jensenShannon([5, 0], [0, 9])).toBe(1)
  expect(hellinger([5, 0], [0, 9])).toBe(1)
})

test('Kolmogorov–Smirnov is exact for small samples and Wasserstein agrees with SciPy', () => {
  for (const { one, other, d, p, wasserstein: distance } of values.samples) {
    const found = kolmogorovSmirnov(sampleOf(one), sampleOf(other))
    expect(errorOf(found.statistic, d)).toBeLessThan(CLOSE)
    expect(errorOf(found.p, p)).toBeLessThan(1e-8)
    expect(errorOf(wasserstein(atomsOf(one), atomsOf(other)), distance)).toBeLessThan(CLOSE)
  }
})

test('Kolmogorov–Smirnov of large samples is within 0.004 of SciPy', () => {
  for (const { n, m, shift, d, p } of values.large_samples) {
    const { one, other } = evenSamples(n, m, shift)
    const found = kolmogorovSmirnov(sampleOf(one), sampleOf(other))
    expect(errorOf(found.statistic, d)).toBeLessThan(CLOSE)
    expect(Math.abs(found.p - p)).toBeLessThan(0.004)
  }
})

test('a contingency table agrees with SciPy, and columns that both rows miss do not count', () => {
  for (const { one, other, statistic, degreesOfFreedom, p } of values.tables) {
    const found = chiSquareContingency([...one, 0], [...other, 0])
    expect(errorOf(found.statistic, statistic)).toBeLessThan(CLOSE)
    expect(found.degreesOfFreedom).toBe(degreesOfFreedom)
    expect(errorOf(found.p, p)).toBeLessThan(CLOSE)
  }
  expect(chiSquareContingency([5, 0], [9, 0]).p).toBe(1)
})

test('shares of counts agree with SciPy', () => {
  const { wilson: intervals, pairs, benjaminiHochberg: discoveries } = values.proportions
  for (const { hits, of, low, high } of intervals) {
    const found = wilson(hits, of)
    expect(errorOf(found.low, low)).toBeLessThan(CLOSE)
    expect(errorOf(found.high, high)).toBeLessThan(CLOSE)
  }
  for (const { one, other, z, p } of pairs) {
    const sides = [one, other].map(([hits, of]) => ({ hits: hits as number, of: of as number }))
    const found = twoProportions(sides[0] as never, sides[1] as never)
    expect(errorOf(found.z, z)).toBeLessThan(CLOSE)
    expect(errorOf(found.p, p)).toBeLessThan(CLOSE)
  }
  expect(twoProportions({ hits: 3, of: 3 }, { hits: 9, of: 9 })).toEqual({ z: 0, p: 1 })
  for (const [index, adjusted] of benjaminiHochberg(discoveries.ps).entries())
    expect(errorOf(adjusted, discoveries.adjusted[index])).toBeLessThan(CLOSE)
})

describe('the area under the ROC curve', () => {
  test('and its interval agree with MLstatkit and scikit-learn, ties included', () => {
    for (const each of values.ranking) {
      const found = aucOf(each.labels as Label[], each.candidate)
      expect(errorOf(found?.auc, each.aucCandidate)).toBeLessThan(CLOSE)
      expect(errorOf(found?.ciLow, each.ciCandidate[0])).toBeLessThan(CLOSE)
      expect(errorOf(found?.ciHigh, each.ciCandidate[1])).toBeLessThan(CLOSE)
    }
  })

  test('of two scores differs as MLstatkit says', () => {
    for (const { labels, candidate, champion, ...expected } of values.ranking) {
      const found = compareAucs({ labels: labels as Label[], candidate, champion })
      expect(errorOf(found?.z, expected.z)).toBeLessThan(CLOSE)
      expect(errorOf(found?.p, expected.p)).toBeLessThan(CLOSE)
      expect(errorOf(found?.confidence, distributions.normalCdf(expected.z))).toBeLessThan(CLOSE)
      const half = 1.959963984540054 * Math.sqrt(expected.varianceOfDifference)
      expect(errorOf((found?.ciHigh ?? 0) - (found?.difference ?? 0), half)).toBeLessThan(CLOSE)
    }
  })

  test('is less surely better when more is asked for', () => {
    const { labels, candidate, champion } = values.ranking[1] as (typeof values.ranking)[number]
    const pairs = { labels: labels as Label[], candidate, champion }
    const sure = [0, 0.02, 0.2].map((by) => compareAucs(pairs, { by })?.confidence ?? Number.NaN)
    expect(sure).toEqual(sure.toSorted((one, other) => other - one))
    expect(sure[2]).toBeLessThan(0.01)
  })

  test('of equal scores is a coin toss', () => {
    const pairs = {
      labels: [0, 1, 0, 1] as Label[],
      candidate: [1, 2, 3, 4],
      champion: [1, 2, 3, 4],
    }
    expect(compareAucs(pairs)).toMatchObject({ difference: 0, p: 1, confidence: 0.5 })
  })

  test('does not exist without both classes', () => {
    expect(aucOf([1, 1], [0.1, 0.2])).toBeUndefined()
    expect(compareAucs({ labels: [0], candidate: [1], champion: [1] })).toBeUndefined()
  })
})

test('calibration agrees with scikit-learn and its definitions', () => {
  for (const each of values.calibration) {
    const labels = each.labels as Label[]
    const { probabilities } = each
    expect(errorOf(logLoss(labels, probabilities), each.logLoss)).toBeLessThan(CLOSE)
    expect(errorOf(brier(labels, probabilities), each.brier)).toBeLessThan(CLOSE)
    expect(
      errorOf(expectedCalibrationError(labels, probabilities), each.expectedCalibrationError),
    ).toBeLessThan(CLOSE)
    const { difference, ciLow, ciHigh } = calibrationInTheLarge(labels, probabilities)
    for (const [index, found] of [difference, ciLow, ciHigh].entries())
      expect(errorOf(found, each.inTheLarge[index])).toBeLessThan(CLOSE)
  }
  expect(Number.isFinite(logLoss([1, 0], [0, 1]))).toBe(true)
})

/** Two even samples of 0 to 1, one of them moved. */
function evenSamples(n: number, m: number, shift: number): { one: number[]; other: number[] } {
  return {
    one: Array.from({ length: n }, (_, index) => (index + 0.5) / n),
    other: Array.from({ length: m }, (_, index) => (index + 0.5) / m + shift),
  }
}
