import fc from 'fast-check'
import { expect, test } from 'vitest'
import { feedsOfRows, feedsOfTensors, namedRows, planFeeds, typedRows } from './feeds.ts'
import type { ColumnType, SignatureColumn } from '../model-source.ts'
import { rowsOf, tensorOfRows, type ModelShape, type TensorType, type Value } from '../tensor.ts'

test('each input is fed by the column of its name, in any order, and others are dropped', () => {
  const plan = planFeeds(
    shape([
      ['a', 'string'],
      ['b', 'float32'],
    ]),
    null,
  )
  const feeds = feedsOfRows(plan, {
    columns: ['x', 'b', 'a'],
    rows: [
      [0, 1.5, 'one'],
      [0, 2, 'two'],
    ],
  })
  expect(feeds).toEqual([
    { name: 'a', type: 'string', shape: [2, 1], data: ['one', 'two'] },
    { name: 'b', type: 'float32', shape: [2, 1], data: new Float32Array([1.5, 2]) },
  ])
})

test('a matrix is fed by the columns of the signature in their order', () => {
  const matrix: ModelShape = {
    inputs: [{ name: 'X', type: 'float32', shape: [null, 3] }],
    outputs: [],
  }
  const plan = planFeeds(
    matrix,
    ['c', 'a', 'b'].map((name) => column(name, 'double')),
  )
  const [feed] = feedsOfRows(plan, { columns: ['a', 'b', 'c'], rows: [[1, 2, 3]] })
  expect(feed).toEqual({
    name: 'X',
    type: 'float32',
    shape: [1, 3],
    data: new Float32Array([3, 1, 2]),
  })
  const unsigned = planFeeds(matrix, null)
  expect(feedsOfRows(unsigned, { columns: ['q', 'r', 's'], rows: [[1, 2, 3]] })[0]?.data).toEqual(
    new Float32Array([1, 2, 3]),
  )
  expect(() => feedsOfRows(unsigned, { columns: ['q'], rows: [[1]] })).toThrow(/takes 3 columns/)
})

const cases: [string, ColumnType, TensorType, Value, unknown][] = [
  ['a whole number goes into doubles', 'double', 'float32', 3, 3],
  ['a gap among doubles is NaN', 'double', 'float32', null, Number.NaN],
  ['a whole number goes into longs', 'long', 'int64', 3, 3n],
  ['a long may be fed to floats', 'long', 'float32', 3, 3],
  ['digits beyond a number are kept', 'long', 'int64', 2n ** 60n + 1n, 2n ** 60n + 1n],
  ['a list of one is its value', 'string', 'string', ['a'], 'a'],
  ['a truth value stays one', 'boolean', 'bool', true, 1],
  [
    'a text is no double',
    'double',
    'float32',
    '3',
    /hour in row 0 is "3", which cannot become double/,
  ],
  ['a number is no text', 'string', 'string', 3, /is 3, which cannot become string/],
  ['a fraction is no long', 'long', 'int64', 1.5, /is 1.5, which cannot become long/],
  ['a truth value is no number', 'double', 'float32', true, /is true/],
  ['a number is no truth value', 'boolean', 'bool', 1, /is 1/],
  ['a gap is no long', 'long', 'float32', null, /is null/],
  ['a gap is no text', 'string', 'string', null, /is null/],
  ['an integer has 32 bits', 'integer', 'int32', 2 ** 31, /does not fit 32 bits/],
  [
    'a model may be narrower than its signature',
    'long',
    'int8',
    200,
    /does not fit the model's int8/,
  ],
  ['rounded digits are not taken for exact ones', 'long', 'int64', 2 ** 60, /lost digits/],
  ['a NUL would cut a text', 'string', 'string', 'a\0b', /NUL/],
]
test.each(cases)('%s', (...[, type, tensorType, value, expected]) => {
  const plan = planFeeds(shape([['hour', tensorType]]), [column('hour', type)])
  const feed = () => feedsOfRows(plan, { columns: ['hour'], rows: [[value]] })[0]?.data[0]
  if (expected instanceof RegExp) expect(feed).toThrow(expected)
  else expect(feed()).toEqual(expected)
})

test('an optional column may be missing or empty where the model can stand it', () => {
  const optional = (type: ColumnType) => [{ ...column('a', type), required: false }]
  const floats = planFeeds(shape([['a', 'float32']]), optional('long'))
  expect(feedsOfRows(floats, { columns: [], rows: [[]] })[0]?.data[0]).toBeNaN()
  const texts = planFeeds(shape([['a', 'string']]), optional('string'))
  expect(feedsOfRows(texts, { columns: ['a'], rows: [[null]] })[0]?.data).toEqual([''])
  const integers = planFeeds(shape([['a', 'int64']]), optional('long'))
  expect(() => feedsOfRows(integers, { columns: ['a'], rows: [[null]] })).toThrow(/is null/)
})

test('a missing column is named, and so is one that is sent twice', () => {
  const plan = planFeeds(
    shape([
      ['a', 'float32'],
      ['b', 'float32'],
    ]),
    null,
  )
  expect(() => feedsOfRows(plan, { columns: ['b', 'c'], rows: [[1, 2]] })).toThrow(
    'the input lacks the required column a; it has b, c',
  )
  expect(() => feedsOfRows(plan, { columns: ['a', 'b', 'a'], rows: [[1, 2, 3]] })).toThrow(/twice/)
})

test('rows without names go by position', () => {
  const plan = planFeeds(
    shape([
      ['a', 'string'],
      ['b', 'float32'],
    ]),
    null,
  )
  expect(namedRows(plan, [['x', 1]])).toEqual({ columns: ['a', 'b'], rows: [['x', 1]] })
  expect(() => namedRows(plan, [['x', 1], ['y']])).toThrow(/row 1 has 1 values/)
})

test('texts of CSV become what their columns are; a text that is no number stays one', () => {
  const plan = planFeeds(
    shape([
      ['a', 'string'],
      ['b', 'float32'],
      ['c', 'bool'],
    ]),
    null,
  )
  expect(
    typedRows(plan, {
      columns: ['a', 'b', 'c', 'id'],
      rows: [
        ['007', '1e3', 'True', '8'],
        ['', 'x', '', ''],
      ],
    }),
  ).toEqual({
    columns: ['a', 'b', 'c', 'id'],
    rows: [
      ['007', 1000, true, '8'],
      [null, 'x', null, null],
    ],
  })
})

test('an input that may be left out is not asked for among tensors', () => {
  const floats = { type: 'float32', shape: [null, 1] } as const
  const inputs = [
    { ...floats, name: 'a' },
    { ...floats, name: 'b', optional: true },
  ] as const
  const plan = planFeeds({ inputs, outputs: [] }, null)
  const tensor = (name: string) => ({ ...floats, name, shape: [1], data: new Float32Array(1) })
  const fed = (...names: string[]) =>
    feedsOfTensors(plan, names.map(tensor)).feeds.map(({ name }) => name)
  expect(fed('a')).toEqual(['a'])
  expect(fed('b', 'a')).toEqual(['a', 'b'])
  expect(() => fed('b')).toThrow(/the input a is missing/)
})

test('tensors become feeds and the same rows', () => {
  const plan = planFeeds(
    shape([
      ['a', 'string'],
      ['b', 'float32'],
    ]),
    null,
  )
  const { feeds, sent } = feedsOfTensors(plan, [
    { name: 'b', type: 'float32', shape: [2], data: new Float32Array([1, 2]) },
    { name: 'a', type: 'string', shape: [2, 1], data: ['x', 'y'] },
    { name: 'key', type: 'int64', shape: [2], data: new BigInt64Array([5n, 6n]) },
  ])
  expect(feeds.map(({ name, shape: sizes }) => [name, sizes])).toEqual([
    ['a', [2, 1]],
    ['b', [2, 1]],
  ])
  expect(sent).toEqual({
    columns: ['b', 'a', 'key'],
    rows: [
      [1, 'x', 5],
      [2, 'y', 6],
    ],
  })
})

test('rows of a tensor put together again are the same tensor', () => {
  const widths = fc.record({ rows: fc.nat(5), width: fc.integer({ min: 2, max: 4 }) })
  fc.assert(
    fc.property(
      widths,
      fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      (size, digits) => {
        const data = BigInt64Array.from(
          { length: size.rows * size.width },
          (_, index) => digits[index] ?? 0n,
        )
        const tensor = { name: 't', type: 'int64', shape: [size.rows, size.width], data } as const
        const again = tensorOfRows(tensor, rowsOf(tensor))
        expect(again.data).toEqual(data)
        if (size.rows > 0) expect(again.shape).toEqual(tensor.shape)
      },
    ),
    { seed: 7 },
  )
})

function shape(inputs: readonly (readonly [string, TensorType])[]): ModelShape {
  return { inputs: inputs.map(([name, type]) => ({ name, type, shape: [null, 1] })), outputs: [] }
}

function column(name: string, type: ColumnType): SignatureColumn {
  return { name, type, required: true }
}
