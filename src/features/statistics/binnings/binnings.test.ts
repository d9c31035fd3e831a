import { describe, expect, test } from 'vitest'
import values from '../golden/peers.json' with { type: 'json' }
import {
  hellingerDistance,
  jensenShannonDistance,
  kullbackLeibler,
  largestShareDifference,
  normalizedAbsoluteDifference,
  populationStability,
  type SharePair,
} from '../distances/shares.ts'
import { wassersteinOf } from '../samples/distances.ts'
import { sampleOf, varianceOf } from '../samples/sample.ts'
import { openHistogramOf, quantileEdges } from './edges.ts'
import {
  categoryShares,
  evidentlyHellingerShares,
  evidentlyShares,
  filledAsEvidently,
} from './evidently.ts'
import {
  nannymlCategoryShares,
  nannymlKolmogorovSmirnov,
  nannymlShares,
  nannymlWasserstein,
} from './nannyml.ts'
import { tfdvBuckets, tfdvJensenShannon } from './tfdv.ts'

describe("Evidently's scores, to 1e-9", () => {
  test('of numbers', () => {
    for (const each of values.numeric) {
      const [reference, current] = [sampleOf(each.reference), sampleOf(each.current)]
      const pair = evidentlyShares(reference, current, each)
      expectShares(pair, each.evidently)
      expect(hellingerDistance(evidentlyHellingerShares(reference, current, each))).toSatisfy(
        near(each.evidently.hellinger),
      )
      const unit = Math.max(Math.sqrt(varianceOf(reference, 0)), 0.001)
      expect(wassersteinOf(reference, current) / unit).toSatisfy(near(each.evidently.wasserstein))
    }
  })

  test('of categories', () => {
    for (const each of values.categorical) {
      const pair = categoryShares(countsOf(each.reference), countsOf(each.current))
      expectShares(pair, each.evidently)
      expect(hellingerDistance(pair)).toSatisfy(near(each.evidently.hellinger))
    }
  })

  function expectShares(
    pair: SharePair,
    expected: { psi: number; kullbackLeibler: number; jensenShannon: number },
  ): void {
    expect(populationStability(filledAsEvidently(pair))).toSatisfy(near(expected.psi))
    expect(kullbackLeibler(filledAsEvidently(pair))).toSatisfy(near(expected.kullbackLeibler))
    expect(jensenShannonDistance(pair)).toSatisfy(near(expected.jensenShannon))
  }
})

describe("NannyML's values, to 1e-9", () => {
  test('of numbers', () => {
    for (const { reference, current, nannyml } of values.numeric) {
      const [one, other] = [sampleOf(reference), sampleOf(current)]
      expect(jensenShannonDistance(nannymlShares(one, other), 2)).toSatisfy(
        near(nannyml.jensen_shannon),
      )
      expect(nannymlKolmogorovSmirnov(one, other)).toSatisfy(near(nannyml.kolmogorov_smirnov))
      expect(nannymlWasserstein(one, other)).toSatisfy(near(nannyml.wasserstein))
    }
  })

  test('of numbers so many that it answers from bins', () => {
    for (const [n, m, scale, shift, expected] of values.large as Large[]) {
      const even = (size: number) =>
        Array.from({ length: size }, (_, index) => (index + 0.5) / size)
      const one = sampleOf(even(n))
      const other = sampleOf(even(m).map((value) => value * scale + shift))
      expect(jensenShannonDistance(nannymlShares(one, other), 2)).toSatisfy(
        near(expected.jensen_shannon),
      )
      expect(nannymlKolmogorovSmirnov(one, other)).toSatisfy(near(expected.kolmogorov_smirnov))
      expect(nannymlWasserstein(one, other)).toSatisfy(near(expected.wasserstein))
    }
  })

  type Large = [
    number,
    number,
    number,
    number,
    { jensen_shannon: number; kolmogorov_smirnov: number; wasserstein: number },
  ]

  test('of categories', () => {
    for (const { reference, current, nannyml } of values.categorical) {
      const pair = nannymlCategoryShares(countsOf(reference), countsOf(current))
      expect(jensenShannonDistance(pair, 2)).toSatisfy(near(nannyml.jensen_shannon))
      const each = categoryShares(countsOf(reference), countsOf(current))
      expect(largestShareDifference(each)).toSatisfy(near(nannyml.l_infinity))
    }
  })
})

describe("TensorFlow Data Validation's divergence", () => {
  test('of the same numbers is 0, and of numbers far apart 1', () => {
    const one = tfdvBuckets(sampleOf([1, 2, 3, 4]))
    expect(tfdvJensenShannon(one, one)).toBe(0)
    expect(tfdvJensenShannon(one, tfdvBuckets(sampleOf([11, 12, 13])))).toBe(1)
  })

  test('cuts buckets at the edges of both as if values lay evenly in them', () => {
    const one = { edges: [0, 2], counts: [8] }
    const other = { edges: [0, 1, 2], counts: [4, 4] }
    expect(tfdvJensenShannon(one, other)).toBeCloseTo(0, 12)
    // Half of the second is all in one bin: ½ (¾ log₂ ¾⁻¹ … ) by hand.
    const uneven = { edges: [0, 1, 2], counts: [8, 0] }
    const byHand =
      (0.5 * Math.log2(0.5 / 0.75) + 0.5 * Math.log2(0.5 / 0.25) + Math.log2(1 / 0.75)) / 2
    expect(tfdvJensenShannon(one, uneven)).toBeCloseTo(byHand, 12)
  })

  test('constants lie in points of their own, and what is no number is unlike itself', () => {
    const constant = tfdvBuckets(sampleOf([5, 5]))
    expect(tfdvJensenShannon(constant, constant)).toBe(0)
    expect(tfdvJensenShannon(constant, tfdvBuckets(sampleOf([6, 6, 6])))).toBe(1)
    const half = { edges: [0, 1], counts: [5], notNumbers: 5 }
    expect(tfdvJensenShannon(half, half)).toBeCloseTo(0.5, 12)
  })

  test('its normalised difference of categories is over the rows of both', () => {
    expect(normalizedAbsoluteDifference([10, 0], [4, 6])).toBe(0.3)
  })
})

test('bins at quantiles are open at both ends and hold every value once', () => {
  const reference = sampleOf(Array.from({ length: 1000 }, (_, index) => index % 97))
  const edges = quantileEdges(reference, 10)
  expect(edges).toHaveLength(9)
  const counts = openHistogramOf(sampleOf([-1000, ...edges, 1e9]), edges)
  expect(counts).toEqual([2, 1, 1, 1, 1, 1, 1, 1, 1, 1])
})

function countsOf(counts: Readonly<Record<string, number>>): Map<string, number> {
  return new Map(Object.entries(counts))
}

function near(expected: number): (found: unknown) => boolean {
  return (found) =>
    typeof found === 'number' && Math.abs(found - expected) <= Math.max(1e-12, 1e-9 * expected)
}
