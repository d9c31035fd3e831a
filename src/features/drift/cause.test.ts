import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { attributed, type MovedRow } from './cause.ts'
import { numericProfileOf } from './numeric-profile.ts'
import type { CategoricalProfile, NumericProfile } from './profile.ts'

describe('what moved the output', () => {
  test('is nothing when rows are alike', () => {
    const found = attributed(profiles(), world(1), world(2))
    expect(found.columns).toEqual([])
    expect(found.outputChange).toBeCloseTo(0, 1)
  })

  test('is the column whose unit changed, in the direction in which it moved it', () => {
    const found = attributed(profiles(), world(1), world(2, { weight: (value) => value * 1000 }))
    expect(found.columns[0]).toMatchObject({ column: 'weight', lost: expect.any(String) as string })
    expect(found.columns[0]?.gained).toMatch(/^above 0\.\d+$/)
    expect(found.columns[0]?.movesOutput).toBeGreaterThan(0.5)
    expect(found.columns[0]?.share).toBeGreaterThan(0.9)
  })

  test('is a sensor that is stuck where it often was, though the mean answer stays', () => {
    const found = attributed(profiles(), world(1), world(2, { weight: () => 0.5 }))
    expect(found.columns[0]?.column).toBe('weight')
  })

  test('is the column that answers depend on before one that they do not, both having moved', () => {
    const now = world(2, {
      weight: (value) => value * 0.3 + 0.7,
      idle: (value) => value * 0.3 + 0.7,
    })
    const found = attributed(profiles(), world(1), now)
    expect(found.columns.map(({ column }) => column)).toEqual(['weight', 'idle'])
    expect(found.columns[0]?.share).toBeGreaterThan(0.6)
    expect(found.explained).toBeGreaterThan(0.8)
  })

  test('is a new category, and values that are gone', () => {
    const now = world(3).map(({ inputs, output }, index) => ({
      inputs: {
        weight: inputs['weight'],
        kind: index % 2 === 0 ? 'z' : inputs['kind'],
        idle: index % 3 === 0 ? null : inputs['idle'],
      },
      output: index % 2 === 0 ? 3 : output,
    }))
    const found = attributed(profiles(), world(1), now)
    expect(found.columns.map(({ column, gained }) => [column, gained])).toEqual([
      ['kind', 'categories that were not there'],
      ['idle', 'no value'],
    ])
  })

  test('is told by movement alone where there are no outputs, and is none of no rows', () => {
    const silent = (rows: MovedRow[]) => rows.map(({ inputs }) => ({ inputs, output: null }))
    const now = silent(world(2, { weight: () => 0.9 }))
    const found = attributed(profiles(), silent(world(1)), now)
    expect(found).toMatchObject({ outputChange: null, explained: null })
    expect(found.columns).toMatchObject([{ column: 'weight', movesOutput: null, share: 1 }])
    expect(attributed(profiles(), [], now).columns).toEqual([])
  })

  test('is no column when the same is answered otherwise', () => {
    const now = world(2).map(({ inputs, output }) => ({ inputs, output: (output ?? 0) + 1 }))
    expect(attributed(profiles(), world(1), now)).toMatchObject({ columns: [], explained: 0 })
  })
})

/** Answers depend on `weight` and `kind`, and not on `idle`. */
function world(
  seed: number,
  change: Partial<Record<'weight' | 'idle', (value: number) => number>> = {},
): MovedRow[] {
  const random = seededDraws(seed)
  return Array.from({ length: 1500 }, () => {
    const weight = (change.weight ?? same)(random())
    const idle = (change.idle ?? same)(random())
    const kind = ['a', 'b', 'c'][Math.floor(random() * 3)] as string
    return {
      inputs: { weight, idle, kind },
      output: 2 * Math.min(weight, 2) + Number(kind === 'a'),
    }
  })
}

function same(value: number): number {
  return value
}

function profiles(): Record<string, NumericProfile | CategoricalProfile> {
  const rows = world(9)
  const numeric = (column: string) =>
    numericProfileOf(
      rows.map(({ inputs }) => ({ value: Number(inputs[column]), atMs: null })),
      1,
    ) as NumericProfile
  return {
    weight: numeric('weight'),
    idle: numeric('idle'),
    kind: {
      kind: 'categorical',
      categories: ['a', 'b', 'c'],
      counts: { bins: [500, 500, 500, 0], sums: [], missing: 0 },
      spread: null,
    },
  }
}
