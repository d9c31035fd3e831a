import { describe, expect, test } from 'vitest'
import values from '../golden/two-samples.json' with { type: 'json' }
import { fisherExact } from '../counts/fisher.ts'
import { holm } from '../counts/discoveries.ts'
import { chiSquareGoodness, cramersV, gContingency, gGoodness } from '../counts/tables.ts'
import { eppsSingleton } from './characteristic.ts'
import { energyDistance, wassersteinOf } from './distances.ts'
import { kolmogorovSmirnov, type TestResult } from './kolmogorov.ts'
import { kolmogorovOneSampleSf } from './kolmogorov-limit.ts'
import { studentT, welchT } from './means.ts'
import { andersonDarling, cramerVonMises, mannWhitney } from './ranks.ts'
import { sampleOf, type Sample } from './sample.ts'

type Test = (one: Sample, other: Sample) => TestResult | undefined

const tests: Record<string, Test> = {
  kolmogorovSmirnov,
  andersonDarling,
  cramerVonMises,
  eppsSingleton,
  studentT,
  welchT,
  'mannWhitney two-sided': (one, other) => mannWhitney(one, other),
  'mannWhitney less': (one, other) => mannWhitney(one, other, 'less'),
  'mannWhitney greater': (one, other) => mannWhitney(one, other, 'greater'),
}

describe('two samples are told apart as SciPy does it', () => {
  for (const [name, run] of Object.entries(tests))
    test(`${name}, to 1e-9`, () => {
      for (const each of values.samples) {
        const found = run(sampleOf(each.one), sampleOf(each.other))
        const [statistic, p] = each.tests[name as keyof typeof each.tests] as [number, number]
        expect(found?.statistic).toSatisfy(near(statistic, 1e-9))
        expect(found?.p).toSatisfy(near(p, 1e-9))
      }
    })

  test('distances, to 1e-12', () => {
    for (const { one, other, wasserstein, energy } of values.samples) {
      expect(wassersteinOf(sampleOf(one), sampleOf(other))).toSatisfy(near(wasserstein, 1e-12))
      expect(energyDistance(sampleOf(one), sampleOf(other))).toSatisfy(near(energy, 1e-12))
    }
  })

  test("Kolmogorov–Smirnov's p-value wherever its method changes, to 1e-8 of it, or 1e-4 where it is large, or 1e-12", () => {
    for (const [n, d, p] of values.limits as [number, number, number][]) {
      const off = Math.abs(kolmogorovOneSampleSf(n, d) - p)
      const allowed = n > 100_000 ? 1e-4 : 1e-8
      expect([n, d, p, off]).toSatisfy(() => off <= Math.max(1e-12, allowed * p))
    }
  })

  test('Kolmogorov–Smirnov of samples too large to count their paths', () => {
    for (const [n, m, shift, d, p] of values.large as [number, number, number, number, number][]) {
      const even = (size: number, by: number) =>
        sampleOf(Array.from({ length: size }, (_, index) => (index + 0.5) / size + by))
      const found = kolmogorovSmirnov(even(n, 0), even(m, shift))
      expect(found.statistic).toSatisfy(near(d, 1e-9))
      expect(found.p).toSatisfy(near(p, 1e-8))
    }
  })
})

test('counts are tested as SciPy does it', () => {
  for (const { one, other, ...expected } of values.tables) {
    for (const [name, run] of Object.entries({ chiSquareGoodness, gGoodness, gContingency })) {
      const [statistic, p] = expected[name as 'gGoodness'] as [number, number]
      expect(run(one, other).statistic).toSatisfy(near(statistic, 1e-10))
      expect(run(one, other).p).toSatisfy(near(p, 1e-9))
    }
    expect(cramersV(one, other)).toSatisfy(near(expected.cramersV, 1e-10))
  }
  for (const [a, n, b, m, p] of values.fisher as [number, number, number, number, number][])
    expect(fisherExact({ hits: a, of: n }, { hits: b, of: m })).toSatisfy(near(p, 1e-9))
  expect(holm(values.adjusted.ps)).toEqual(
    values.adjusted.holm.map((p) => expect.closeTo(p, 12) as number),
  )
})

describe('what cannot be tested has a stated answer', () => {
  const constant = sampleOf([3, 3, 3, 3, 3, 3])
  const other = sampleOf([4, 4, 4, 4, 4, 4])

  test('two equal constants do not differ, and two others certainly do', () => {
    expect(kolmogorovSmirnov(constant, constant)).toEqual({ statistic: 0, p: 1 })
    expect(mannWhitney(constant, constant).p).toBe(1)
    expect(studentT(constant, constant)).toEqual({ statistic: 0, p: 1 })
    expect(welchT(constant, other)).toEqual({ statistic: -Infinity, p: 0 })
    expect(kolmogorovSmirnov(constant, other).statistic).toBe(1)
  })

  test('tests that need spread or more values say that they have no answer', () => {
    expect(andersonDarling(constant, constant)).toBeUndefined()
    expect(eppsSingleton(constant, constant)).toBeUndefined()
    expect(eppsSingleton(sampleOf([1, 2]), other)).toBeUndefined()
    expect(cramerVonMises(sampleOf([1]), other)).toBeUndefined()
    expect(studentT(sampleOf([]), other)).toBeUndefined()
  })

  test('what is not finite is no part of a sample', () => {
    expect([...sampleOf([2, NaN, Infinity, 1, -Infinity]).sorted]).toEqual([1, 2])
  })

  test('a category that the reference has not is infinitely far from it', () => {
    expect(chiSquareGoodness([5, 0], [4, 1])).toEqual({
      statistic: Infinity,
      degreesOfFreedom: 1,
      p: 0,
    })
  })
})

function near(expected: number, tolerance: number): (found: unknown) => boolean {
  return (found) =>
    typeof found === 'number' &&
    Math.abs(found - expected) <= Math.max(1e-14, tolerance * Math.abs(expected))
}
