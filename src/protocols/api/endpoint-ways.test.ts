import { expect, test } from 'vitest'
import { sampleOf, type Described } from '#inference'
import { waysOf } from './endpoint-ways.ts'

const OF_TENSORS: Described = {
  revision: {
    endpoint: 'wide',
    number: 1,
    role: 'live',
    model: 'wide',
    version: 1,
    digest: '',
    createdMs: 0,
  },
  shape: {
    inputs: [{ name: 'X', type: 'float32', shape: [null, 2] }],
    outputs: [{ name: 'y', type: 'float32', shape: [null] }],
  },
  columns: null,
  versions: [1],
  labels: {},
  flavor: 'onnx',
}

test('a model of one tensor is asked the rows of its example, as they are', () => {
  const described = {
    ...OF_TENSORS,
    example: {
      columns: null,
      rows: [
        [1, 2],
        [3, 4],
      ],
    },
  }
  expect(asked(described)).toEqual({
    isExample: true,
    bodies: [
      {
        inputs: [
          [1, 2],
          [3, 4],
        ],
      },
      { inputs: [{ name: 'X', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 4] }] },
      {
        inputs: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
  })
  expect(asked(OF_TENSORS)).toMatchObject({
    isExample: false,
    bodies: [{ inputs: [[0, 0]] }, {}, {}],
  })
})

test('a model that takes a number of rows and no other is asked so many', () => {
  const of = (count: number, rows: number[][]) => ({
    ...OF_TENSORS,
    shape: { ...OF_TENSORS.shape, inputs: [{ name: 'X', type: 'float32', shape: [count, 2] }] },
    example: { columns: null, rows },
  })
  const few = of(3, [
    [1, 2],
    [3, 4],
  ]) as Described
  expect(asked(few).bodies[0]).toEqual({
    inputs: [
      [1, 2],
      [3, 4],
      [1, 2],
    ],
  })
  const many = of(1, [
    [1, 2],
    [3, 4],
  ]) as Described
  expect(asked(many).bodies[0]).toEqual({ inputs: [[1, 2]] })
  const none = of(2, []) as Described
  expect(asked(none).bodies[0]).toEqual({
    inputs: [
      [0, 0],
      [0, 0],
    ],
  })
})

test('nothing is made up for a model that says that it takes more than anybody has', () => {
  for (const shape of [
    [null, 2 ** 40],
    [2 ** 31, 2],
    [null, 3, 1000, 1000],
  ]) {
    const inputs = [{ name: 'X', type: 'float32' as const, shape }]
    const described = { ...OF_TENSORS, shape: { ...OF_TENSORS.shape, inputs } }
    expect(() => sampleOf(described)).toThrow('log it with an input example')
    const example = { columns: null, rows: [[1, 2]] }
    expect(sampleOf({ ...described, example }).rows.rows).toHaveLength(1)
  }
})

test('a model of several tensors is asked the example of each by its name', () => {
  const example = {
    columns: ['b', 'a'],
    rows: [
      [[1, 2], 5],
      [[3, 4], 6],
    ],
  }
  const inputs = [
    { name: 'a', type: 'int64', shape: [null] },
    { name: 'b', type: 'float32', shape: [null, 2] },
  ] as const
  const { outputs } = OF_TENSORS.shape
  const [mlflow] = asked({ ...OF_TENSORS, shape: { inputs, outputs }, example }).bodies
  expect(mlflow).toEqual({
    inputs: {
      a: [5, 6],
      b: [
        [1, 2],
        [3, 4],
      ],
    },
  })
})

function asked(described: Described) {
  const sample = sampleOf(described)
  const ways = waysOf('wide', described, { sample, base: 'http://host' })
  return { isExample: sample.isExample, bodies: ways.map(({ body }) => JSON.parse(body) as object) }
}
