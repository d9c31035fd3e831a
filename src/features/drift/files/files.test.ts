import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { driftOf } from '../drift.ts'
import { ascending } from '../numbers/ascending.ts'
import { quantilesOf } from '../numbers/quantiles.ts'
import { numericProfileOf } from '../numeric-profile.ts'
import { countsOf } from '../profile.ts'
import { numberCounter } from './counting.ts'
import { parseProfile, printProfile, PROFILE_MARK } from './stored.ts'
import { statisticNamed, statisticNames, statisticReport, type Looked } from './statistics.ts'
import { sampleOf } from './numbers.ts'

const values = Float64Array.from({ length: 500 }, (_, index) => ((index * 37) % 101) / 7)

describe('numbers counted as they come', () => {
  const profile = numericProfileOf(
    [...values].map((value) => ({ value, atMs: null })),
    1000,
  )
  if (profile === null) throw new Error('there are values')

  test('are what a window counts of them', () => {
    const odd = Float64Array.of(...values, Number.NaN, Infinity, -Infinity, -5, 1e9)
    const counter = numberCounter(profile)
    counter.add(odd.subarray(0, 100), null)
    counter.add(odd.subarray(100), null)
    const found = counter.found().get(null)
    expect(found?.counts).toEqual(countsOf(profile, odd))
    expect(found).toMatchObject({ notANumber: 1, infinite: 2, numbers: { min: -5, max: 1e9 } })
  })

  test('are in the same bins however the edges lie', () => {
    const lists = [
      [],
      [0],
      [-1e308, 0, 1e308],
      [0, 5e-324, 1e-323],
      [1e9, 1e9 + 1e-6, 1e9 + 2e-6],
      [1e-300, 1e-200, 1e-9, 1, 1e9, 1e200],
      Array.from({ length: 19 }, (_, index) => 1.7e12 + index / 3),
      Array.from({ length: 6000 }, (_, index) => Math.tan((index - 3000) / 1910)),
    ]
    for (const edges of lists) {
      const near = edges.flatMap((edge) => [edge, edge * (1 + 1e-15), edge - 1, edge + 1, -edge])
      const all = [...near, 0, -0, 1e308, -1e308, 5e-324, -5e-324, 0.1]
      const counter = numberCounter({ edges, mean: 0 })
      counter.add(Float64Array.from(all), null)
      expect(counter.found().get(null)?.counts).toEqual(countsOf({ ...profile, edges }, all))
    }
  })

  test('add up over spans, and rows without a time are in none', () => {
    const counter = numberCounter(profile)
    const spans = values.map((_, index) => (index < 5 ? Number.NaN : Math.floor(index / 200)))
    counter.add(values, spans)
    const found = counter.found()
    expect([...found.keys()]).toEqual([null, 0, 1, 2])
    expect(found.get(0)?.counts).toEqual(countsOf(profile, values.subarray(5, 200)))
    expect(found.get(null)?.counts.bins).toEqual(countsOf(profile, values).bins)
    const { mean = 0, std = 0 } = found.get(null)?.numbers ?? {}
    const whole = sampleOf(values.slice())
    expect(mean).toBeCloseTo(whole.mean, 10)
    expect(std).toBeCloseTo(whole.std, 10)
  })

  test('have no verdict where they cannot be added up', () => {
    const counts = countsOf(profile, [1e308, 1e308, 1e308, ...values])
    const found = driftOf(
      { version: 1, rows: 500, time: null, columns: { x: profile } },
      new Map([['x', counts]]),
      { samplesMin: 1 },
    )
    expect(found.features).toEqual([
      { feature: 'x', state: 'skipped', reason: 'its values are too large to be added up' },
    ])
  })
})

describe('numbers in order', () => {
  const length = 30_000
  const draw = seededDraws(5)
  const kinds: Readonly<Record<string, (at: number) => number>> = {
    'of both signs': () => draw() - 0.5,
    'of every size': () => (draw() - 0.5) * 10 ** Math.floor(draw() * 600 - 300),
    whole: () => Math.floor(draw() * 50) - 25,
    'that differ in the last digits only': () => 1 + draw() * 1e-9,
    'in falling order': (at) => -at / 7,
    'all the same': () => 3.5,
    'about zero': (at) => (at % 2 === 0 ? -0 : 0) + (at % 3) * Number.MIN_VALUE,
  }
  test.each(Object.entries(kinds))('%s', (_, next) => {
    const numbers = Float64Array.from({ length }, (__, at) => next(at))
    const sorted = numbers.toSorted()
    const levels = [0, 0.05, 0.5, 0.95, 1]
    const places = levels.map((level) => level * (length - 1))
    expect(quantilesOf(numbers, levels)).toEqual(
      places.map((place) => {
        const [below, above] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0]
        return below + (above - below) * (place - Math.floor(place))
      }),
    )
    expect(ascending(numbers).every((value, at) => value === sorted[at])).toBe(true)
  })
})

describe('a profile in a file', () => {
  const profile = {
    version: 1 as const,
    rows: 500,
    time: null,
    columns: {
      x: numericProfileOf(
        [...values].map((value, index) => ({ value, atMs: index * 100 })),
        5000,
      ) as NonNullable<ReturnType<typeof numericProfileOf>>,
      other: { kind: 'other' as const, reason: 'no statistic is for its type, DATE' },
    },
  }

  test('is read as it was written', () => {
    const text = printProfile(profile)
    expect(text.startsWith(PROFILE_MARK)).toBe(true)
    expect(parseProfile(text, 'p.json')).toEqual(profile)
  })

  test.each([
    ['no JSON', '{"orrery":"drift-profile"', 'it is no JSON'],
    ['of another version', '{"version":2}', 'its version is 2'],
    ['without columns', '{"version":1,"rows":1}', 'a part of it is missing'],
    [
      'whose counts do not fit its edges',
      '{"version":1,"rows":1,"columns":{"x":{"kind":"numeric","edges":[1,2],"counts":{"bins":[1],"sums":[1],"missing":0},"spread":null}}}',
      'its counts do not fit',
    ],
    [
      'that counts less than nothing',
      '{"version":1,"rows":1,"columns":{"x":{"kind":"categorical","categories":["a"],"counts":{"bins":[-1,2],"sums":[],"missing":0},"spread":null}}}',
      'it counts less than nothing',
    ],
  ])('is refused when it is %s', (_, text, reason) => {
    expect(() => parseProfile(text, 'p.json')).toThrow(reason)
  })
})

describe('statistics by name', () => {
  const one = sampleOf(values.slice())
  const moved = sampleOf(values.map((value) => value + 5))
  const numbers: Looked = { kind: 'numeric', one, other: moved, integers: false }
  const same: Looked = { kind: 'numeric', one, other: one, integers: false }

  test('each is for something, and says what it is not for', () => {
    const categories: Looked = { kind: 'categorical', one: [300, 200], other: [100, 400] }
    const reports = statisticNames.map((name) =>
      [numbers, categories].map((looked) => statisticReport(name, looked, 'native')),
    )
    for (const both of reports) {
      const told = both.filter(({ verdict }) => verdict !== 'not-applicable')
      expect(told.length).toBeGreaterThan(0)
      for (const { verdict, reason } of both)
        expect(verdict === 'not-applicable' ? reason : verdict).not.toBe(null)
    }
  })

  test('tell what has moved from what has not', () => {
    for (const name of statisticNames) {
      const report = statisticReport(name, numbers, 'native')
      if (report.verdict === 'not-applicable') continue
      expect(report, `by ${name}`).toMatchObject({ verdict: 'drifted' })
      expect(statisticReport(name, same, 'native'), `by ${name}`).not.toMatchObject({
        verdict: 'drifted',
      })
    }
  })

  test('are known by the names that Evidently has for them', () => {
    expect(['ks', 'kl_div', 'ed', 'mannw', 'psi'].map(statisticNamed)).toEqual([
      'kolmogorov-smirnov',
      'kullback-leibler',
      'energy',
      'mann-whitney',
      'psi',
    ])
    expect(statisticNamed('toString')).toBe(undefined)
  })
})
