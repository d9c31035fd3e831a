import fc from 'fast-check'
import { expect, test } from 'vitest'
import { castRows } from './cast.ts'
import { feedsOfRows, namedRows, planFeeds } from './feeds.ts'
import type { ColumnType, SignatureColumn } from './signature.ts'
import { rowsOf, type TensorType, type Value } from '../tensor.ts'
import { numberIn, wholeIn } from './texts.ts'

const INPUTS: Readonly<Partial<Record<ColumnType, TensorType>>> = {
  double: 'float64',
  long: 'int64',
  integer: 'int32',
  boolean: 'bool',
}

test.each<[ColumnType, Value, Value]>([
  ['double', '30', 30],
  ['double', ' -2.5e3 ', -2500],
  ['double', 'inf', Number.POSITIVE_INFINITY],
  ['double', true, 1],
  ['double', 'x', 'x'],
  ['double', '0x10', '0x10'],
  ['long', '9007199254740993', 2n ** 53n + 1n],
  ['long', '2.5', '2.5'],
  ['long', false, 0],
  ['boolean', 1, true],
  ['boolean', 0, false],
  ['boolean', 2, 2],
  ['boolean', 'false', 'false'],
  ['string', 7, 7],
])('in a column of %s, %s is taken for %s', (type, value, expected) => {
  const plan = planFor(type)
  const { rows } = castRows(plan, { columns: ['a'], rows: [[value]] })
  expect(rows).toEqual([[expected]])
})

test('rows that fit as they are come back as they are', () => {
  const rows = { columns: ['a'], rows: [[1], [null], [2.5]] }
  expect(castRows(planFor('double'), rows).rows).toBe(rows.rows)
})

test('a cast changes neither what fits nor the rows that were handed in', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<ColumnType>('double', 'long', 'boolean'),
      fc.array(fc.oneof(fc.double(), fc.integer(), fc.boolean(), fc.string(), fc.constant(null)), {
        minLength: 1,
      }),
      (type, values) => {
        const rows = values.map((value): Value[] => [value, 'other'])
        const before = structuredClone(rows)
        const plan = planFor(type)
        const once = castRows(plan, { columns: ['a', 'b'], rows })
        expect(rows).toEqual(before)
        expect(castRows(plan, once).rows).toEqual(once.rows)
        for (const [index, [value, other]] of once.rows.entries()) {
          expect(other).toBe('other')
          if (value !== rows[index]?.[0]) expect(typeof value).not.toBe('string')
        }
      },
    ),
    { seed: 11 },
  )
})

test('numbers are read in a text as JavaScript prints them, and whole numbers with every digit', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (value) => {
      expect(numberIn(String(value))).toBe(value === 0 && Object.is(value, -0) ? 0 : value)
    }),
    { seed: 12 },
  )
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      expect(BigInt(wholeIn(String(value)))).toBe(value)
    }),
    { seed: 13 },
  )
})

test('columns without names go by their places, and more than there are are left out', () => {
  const columns = ['0', '1'].map((name): SignatureColumn => ({
    name,
    type: 'double',
    required: true,
    unnamed: true,
  }))
  const plan = planFeeds(
    { inputs: [{ name: 'X', type: 'float32', shape: [null, 2] }], outputs: [] },
    columns,
  )
  const fed = (rows: Parameters<typeof feedsOfRows>[1]) => feedsOfRows(plan, rows).map(rowsOf)
  expect(fed({ columns: ['any', 'name', 'more'], rows: [[1, 2, 3]] })).toEqual([[[1, 2]]])
  expect(fed(namedRows(plan, [[1, 2, 3]]))).toEqual([[[1, 2]]])
  expect(() => fed({ columns: ['any'], rows: [[1]] })).toThrow(/lacks the required column 1/)
})

test('what a signature says of a tensor is kept where the model leaves it open', () => {
  const shape = {
    inputs: [{ name: 'X', type: 'float32', shape: [null, null] }],
    outputs: [],
  } as const
  const plan = planFeeds(shape, null, [{ name: '0', shape: [-1, 3] }])
  expect(() => feedsOfRows(plan, namedRows(plan, [[1, 2]]))).toThrow(/takes 3 columns/)
  expect(feedsOfRows(plan, namedRows(plan, [[1, 2, 3]]))[0]?.shape).toEqual([1, 3])
})

test('a gap is one where the model says that it takes some, and an optional column may be absent', () => {
  const plan = planFeeds(
    {
      inputs: [
        { name: 'a', type: 'string', shape: [null, 1], nullable: true },
        { name: 'b', type: 'string', shape: [null, 1], optional: true },
      ],
      outputs: [],
    },
    [
      { name: 'a', type: 'string', required: true },
      { name: 'b', type: 'string', required: false },
    ],
  )
  expect(feedsOfRows(plan, { columns: ['a'], rows: [[null], ['x']] })).toEqual([
    { name: 'a', type: 'string', shape: [2, 1], data: ['', 'x'], gaps: new Uint8Array([1, 0]) },
  ])
})

function planFor(type: ColumnType) {
  return planFeeds(
    { inputs: [{ name: 'a', type: INPUTS[type] ?? 'string', shape: [null, 1] }], outputs: [] },
    [{ name: 'a', type, required: true }],
  )
}
