import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import type { Cell } from './columns.ts'
import { findSlices, SEARCH, type Found } from './find.ts'

const ROWS = 4000

describe('a slice is found', () => {
  test('where a category is answered worse, and not what only goes with it', () => {
    const columns = world(1)
    const found = findSlices(
      columns,
      wrong(columns, 2, ({ color }) => (color === 'red' ? 0.35 : 0.1)),
    )
    expect(names(found)).toEqual(['color = red'])
    const [red] = found.slices
    expect(red?.loss).toBeGreaterThan(0.3)
    expect(red?.elsewhere).toBeLessThan(0.12)
    expect(red?.share).toBeCloseTo(0.25, 1)
    expect(red?.p).toBeLessThan(1e-9)
  })

  test('where two conditions meet, told as both and not as either', () => {
    const columns = world(3)
    const worse = ({ color, size }: Row) => (color === 'blue' && Number(size) > 80 ? 0.6 : 0.1)
    const found = findSlices(columns, wrong(columns, 4, worse))
    expect(names(found)).toHaveLength(1)
    expect(names(found)[0]).toMatch(/^color = blue and size > (79|80)/)
  })

  test('where three meet, when three are asked for', () => {
    const columns = world(5, 12_000)
    const worse = ({ color, size, age }: Row) =>
      color === 'blue' && Number(size) > 80 && Number(age) <= 40 ? 0.7 : 0.1
    const found = findSlices(columns, wrong(columns, 6, worse), {
      ...SEARCH,
      depth: 3,
      support: 0.01,
    })
    expect(found.slices[0]?.conditions.map(({ column }) => column).toSorted()).toEqual([
      'age',
      'color',
      'size',
    ])
  })

  test('in the middle of a number, and where it is missing', () => {
    const columns = world(7)
    const worse = ({ size }: Row) =>
      size === null ? 0.5 : Number(size) > 40 && Number(size) <= 60 ? 0.4 : 0.1
    const found = findSlices(columns, wrong(columns, 8, worse))
    expect(names(found)).toContain('size is missing')
    expect(names(found).join()).toMatch(/(39|4[01])\S* < size ≤ (5[89]|6[01])/)
  })

  test('by absolute errors too, which one huge error does not make up', () => {
    const columns = world(9)
    const random = seededDraws(10)
    const errors = rows(columns).map(({ color }) => random() * (color === 'green' ? 3 : 1))
    errors[0] = 1e9
    expect(names(findSlices(columns, errors, { ...SEARCH, effect: 0 }))).toContain('color = green')
  })
})

describe('no slice is found', () => {
  test('in more than one of fifty worlds in which all rows are alike', () => {
    const found = Array.from({ length: 50 }, (_, seed) => {
      const columns = world(100 + seed, 1500)
      return findSlices(
        columns,
        wrong(columns, 200 + seed, () => 0.15),
        { ...SEARCH, effect: 0 },
      )
    })
    expect(found.filter(({ slices }) => slices.length > 0).length).toBeLessThanOrEqual(1)
    expect(found[0]?.tested).toBeGreaterThan(200)
  })

  test('of few rows, of no columns, and where every answer is wrong', () => {
    expect(findSlices(world(1, 50), new Float64Array(50))).toMatchObject({ slices: [], tested: 0 })
    expect(findSlices({}, new Float64Array(500))).toMatchObject({ slices: [], tested: 0 })
    const columns = world(2)
    expect(findSlices(columns, new Float64Array(ROWS).fill(1)).slices).toEqual([])
  })

  test('by columns that no condition fits: constant, all missing, each row another word', () => {
    const columns = {
      constant: Array.from({ length: 500 }, () => 'x'),
      missing: Array.from({ length: 500 }, () => null),
      strange: Array.from({ length: 500 }, () => Number.NaN),
      word: Array.from({ length: 500 }, (_, index) => `w${index}`),
    }
    const random = seededDraws(3)
    const loss = Array.from({ length: 500 }, () => Number(random() < 0.3))
    expect(findSlices(columns, loss).slices).toEqual([])
  })
})

type Row = Record<'color' | 'size' | 'age' | 'noise', Cell>

/** `size` is missing now and then. */
function world(seed: number, length = ROWS): Record<keyof Row, Cell[]> {
  const random = seededDraws(seed)
  const column = (value: () => Cell) => Array.from({ length }, value)
  return {
    color: column(() => ['red', 'green', 'blue', 'grey'][Math.floor(random() * 4)]),
    size: column(() => (random() < 0.06 ? null : random() * 100)),
    age: column(() => random() * 100),
    noise: column(() => random()),
  }
}

function rows(columns: Record<keyof Row, Cell[]>): Row[] {
  return columns.color.map((color, index) => ({
    color,
    size: columns.size[index],
    age: columns.age[index],
    noise: columns.noise[index],
  }))
}

function wrong(
  columns: Record<keyof Row, Cell[]>,
  seed: number,
  share: (row: Row) => number,
): number[] {
  const random = seededDraws(seed)
  return rows(columns).map((row) => Number(random() < share(row)))
}

function names({ slices }: Found): string[] {
  return slices.map(({ name }) => name)
}
