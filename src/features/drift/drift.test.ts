import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { driftOf, type ComparedFeature } from './drift.ts'
import { effectOf, spreadOf } from './effect.ts'
import {
  CATEGORIES_MAX,
  countsOf,
  emptyCounts,
  plus,
  type CategoricalProfile,
  type ColumnProfile,
  type Counts,
  type NumericProfile,
  type Profile,
} from './profile.ts'

describe('the effect of a number', () => {
  const even = numeric(range(1000).map((index) => index / 100))

  test('is the shift in standard deviations of the reference', () => {
    const moved = countsOf(
      even,
      range(1000).map((index) => index / 100 + 3),
    )
    expect(effectOf(even, even.counts, moved)).toBeCloseTo(3 / even.std, 2)
  })

  test('grows with the shift although no bin is shared any more', () => {
    const far = [20, 40].map(
      (shift) => effectOf(even, even.counts, countsOf(even, [shift, shift + 1])) ?? Number.NaN,
    )
    expect((far[1] as number) / (far[0] as number)).toBeGreaterThan(2)
  })

  test('is none where there is no value', () => {
    expect(effectOf(even, even.counts, emptyCounts(even))).toBeUndefined()
  })
})

describe('counts', () => {
  test('put a value that is an edge below it, and everything outside in the open bins', () => {
    const column: NumericProfile = { ...numeric([0]), edges: [1, 2] }
    const { bins, sums, missing } = countsOf(column, [-9, 1, 1.5, 2, 99, null, Number.NaN, true])
    expect(bins).toEqual([3, 2, 1])
    expect(sums).toEqual([-7, 3.5, 99])
    expect(missing).toBe(2)
  })

  test('of two spans add up to those of both', () => {
    const column = numeric(range(100))
    const [one, other] = [range(40), range(100).slice(30)]
    expect(plus(countsOf(column, one), countsOf(column, other))).toEqual(
      countsOf(column, [...one, ...other]),
    )
  })

  test('put categories that the reference never had in the last bin', () => {
    const column = categorical(['a', 'a', 'b'])
    expect(countsOf(column, ['a', 'z', 'b', undefined])).toEqual({
      bins: [1, 1, 1],
      sums: [],
      missing: 1,
    })
  })
})

describe('a window has drifted', () => {
  const steady = profileOf({ x: numeric(noise(5000, 1)), kind: categorical(letters(5000, 2)) })

  test('in no feature when it is of the same population', () => {
    const window = windowOf(steady, { x: noise(400, 3), kind: letters(400, 4) })
    expect(driftOf(steady, window, { samplesMin: 100 })).toMatchObject({
      drifted: [],
      compared: 2,
      share: 0,
    })
  })

  test('in the feature that moved, with the numbers that say so', () => {
    const window = windowOf(steady, {
      x: noise(400, 3).map((value) => value + 1),
      kind: letters(400, 4),
    })
    const verdict = driftOf(steady, window, { samplesMin: 100 })
    expect(verdict).toMatchObject({ drifted: ['x'], share: 0.5 })
    const x = feature(verdict.features, 'x')
    expect(x.effect).toBeGreaterThan(0.8)
    expect(x.p).toBeLessThan(1e-6)
    expect(x.psi).toBeGreaterThan(0.25)
  })

  test('in a feature whose categories are others now', () => {
    const window = windowOf(steady, {
      x: noise(400, 3),
      kind: letters(400, 4).map((letter) => `new ${letter}`),
    })
    expect(driftOf(steady, window, { samplesMin: 100 }).drifted).toEqual(['kind'])
  })

  test('in a feature that has gone missing', () => {
    const half = noise(400, 3).map((value, index) => (index % 2 === 0 ? value : null))
    const none = half.map(() => null)
    for (const x of [half, none]) {
      const window = windowOf(steady, { x, kind: letters(400, 4) })
      expect(driftOf(steady, window, { samplesMin: 100 }).drifted).toEqual(['x'])
    }
  })

  test('in nothing that is small, however many rows make it significant', () => {
    const window = windowOf(steady, {
      x: noise(200_000, 3).map((value) => value + 0.05),
      kind: letters(200_000, 4),
    })
    const verdict = driftOf(steady, window, { samplesMin: 100 })
    expect(feature(verdict.features, 'x').p).toBeLessThan(0.001)
    expect(verdict.drifted).toEqual([])
  })

  test('in nothing when it is too small to say, which is not called steady', () => {
    const window = windowOf(steady, { x: range(99).map(() => 50), kind: [] })
    const verdict = driftOf(steady, window, { samplesMin: 100 })
    expect(verdict).toMatchObject({ compared: 0, share: 0 })
    expect(verdict.features[0]).toEqual({
      feature: 'x',
      state: 'skipped',
      reason: '99 rows are fewer than 100',
    })
  })

  test('in 1 of 100 features at most when nothing has changed', () => {
    const columns = Object.fromEntries(
      range(100).map((index) => [`f${index}`, numeric(noise(5000, 100 + index))]),
    )
    const profile = profileOf(columns)
    const window = windowOf(
      profile,
      Object.fromEntries(range(100).map((index) => [`f${index}`, noise(150, 500 + index)])),
    )
    expect(driftOf(profile, window, { samplesMin: 100 }).drifted.length).toBeLessThanOrEqual(1)
  })
})

describe('days that are never alike', () => {
  /** Weather: each day has its own level, and the hours of a day are close to it. */
  const days = range(40).map((day) => noise(300, day).map((value) => level(day) + value * 0.2))
  const column = numeric(days.flat())
  const spread = spreadOf(
    column,
    days.map((day) => countsOf(column, day)),
  )

  test('teach what is ordinary, so that another such day has not drifted', () => {
    expect(spread?.windows).toBe(40)
    const verdicts = range(30).map((day) => {
      const values = noise(300, 1000 + day).map((value) => level(1000 + day) + value * 0.2)
      const profile = profileOf({ x: { ...column, spread } })
      return driftOf(profile, windowOf(profile, { x: values }), { samplesMin: 100 })
    })
    expect(verdicts.filter(({ share }) => share > 0).length).toBeLessThanOrEqual(1)
  })

  test('would each have drifted without that', () => {
    const profile = profileOf({ x: column })
    const verdicts = days.map((x) =>
      driftOf(profile, windowOf(profile, { x }), { samplesMin: 100 }),
    )
    expect(verdicts.filter(({ share }) => share > 0).length).toBeGreaterThan(30)
  })

  test('still show a season that the reference never had', () => {
    const profile = profileOf({ x: { ...column, spread } })
    const summer = noise(300, 7).map((value) => 6 + value * 0.2)
    expect(driftOf(profile, windowOf(profile, { x: summer }), { samplesMin: 100 }).drifted).toEqual(
      ['x'],
    )
  })

  test('teach nothing when there are too few, and a part of a day is not a day', () => {
    const counted = days.map((day) => countsOf(column, day))
    expect(spreadOf(column, counted.slice(0, 4))).toBeNull()
    const part = countsOf(column, [99, ...range(40).map(() => 99)])
    expect(spreadOf(column, [...counted, part])?.windows).toBe(40)
  })
})

function numeric(values: readonly number[]): NumericProfile {
  const sorted = values.toSorted((one, other) => one - other)
  const mean = values.reduce((all, value) => all + value, 0) / values.length
  const edges = range(19).map(
    (index) => sorted[Math.floor(((index + 1) * sorted.length) / 20)] ?? 0,
  )
  const column: NumericProfile = {
    kind: 'numeric',
    edges: [...new Set(edges)],
    counts: { bins: [], sums: [], missing: 0 },
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    mean,
    std: Math.sqrt(values.reduce((all, value) => all + (value - mean) ** 2, 0) / values.length),
    spread: null,
  }
  return { ...column, counts: countsOf(column, values) }
}

function categorical(values: readonly string[]): CategoricalProfile {
  const column: CategoricalProfile = {
    kind: 'categorical',
    categories: [...new Set(values)],
    counts: { bins: [], sums: [], missing: 0 },
    spread: null,
  }
  return { ...column, counts: countsOf(column, values) }
}

function profileOf(columns: Record<string, ColumnProfile>): Profile {
  return { version: 1, rows: 5000, time: null, columns }
}

function windowOf(
  profile: Profile,
  values: Record<string, readonly (string | number | null)[]>,
): Map<string, Counts> {
  return new Map(
    Object.entries(values).map(([column, each]) => [
      column,
      countsOf(profile.columns[column] as NumericProfile, each),
    ]),
  )
}

function feature(verdicts: readonly unknown[], name: string): ComparedFeature {
  return (verdicts as ComparedFeature[]).find((each) => each.feature === name) as ComparedFeature
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}

/** Roughly normal numbers, the same for the same seed. */
function noise(length: number, seed: number): number[] {
  let state = (seed + 1) * 2_654_435_761
  const next = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
  return range(length).map(() => range(12).reduce((all) => all + next(), -6))
}

function level(day: number): number {
  return noise(1, day * 31 + 5)[0] as number
}

function letters(length: number, seed: number): string[] {
  return noise(length, seed).map((value) =>
    String.fromCodePoint(97 + Math.abs(Math.trunc(value * 2))),
  )
}

describe('of more categories than have a bin', () => {
  const profiled = (values: readonly string[]): CategoricalProfile => {
    const times = [...Map.groupBy(values, (each) => each)].toSorted(
      ([, one], [, other]) => other.length - one.length,
    )
    const categories = times.slice(0, CATEGORIES_MAX).map(([name]) => name)
    const column: CategoricalProfile = {
      kind: 'categorical',
      categories,
      distinct: times.length,
      counts: { bins: [], sums: [], missing: 0 },
      spread: null,
    }
    return { ...column, counts: countsOf(column, values) }
  }
  const judged = (column: CategoricalProfile, values: readonly string[]) =>
    driftOf(
      { version: 1, rows: 0, time: null, columns: { id: column } },
      new Map([['id', countsOf(column, values)]]),
      { samplesMin: 100 },
    ).features[0]
  const drawn = (count: number, seed: number, name: (draw: () => number) => string) => {
    const draw = seededDraws(seed)
    return Array.from({ length: count }, () => name(draw))
  }

  test('those that are frequent by luck alone are no drift, and not unlikely', () => {
    const alike = (draw: () => number) => `c${Math.floor(draw() * 10_000)}`
    for (const rows of [2000, 10_000, 50_000]) {
      const found = judged(profiled(drawn(rows, 1, alike)), drawn(rows, 2, alike))
      expect(found).toMatchObject({ state: 'steady' })
      expect(found).toHaveProperty('p', expect.closeTo(1, 0))
    }
  })

  test('those that stand out are compared as ever', () => {
    const some = (often: number) => (draw: () => number) =>
      draw() < often ? `often${Math.floor(draw() * 5)}` : `c${Math.floor(draw() * 5000)}`
    const column = profiled(drawn(10_000, 3, some(0.5)))
    expect(judged(column, drawn(5000, 4, some(0.5)))).toMatchObject({ state: 'steady' })
    expect(judged(column, drawn(5000, 5, some(0.3)))).toMatchObject({ state: 'drifted' })
  })
})
