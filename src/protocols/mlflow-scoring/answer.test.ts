import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseExactJson, type ExactJson } from '#base/exact-json'
import type { PredictionAnswer, Tensor } from '#inference'
import { outputsText } from './answer.ts'

const none = { batch: 'b', revision: 1, modelVersion: 'm/1' }

function told(outputs: Tensor[], form?: NonNullable<PredictionAnswer['form']>, rows = 2): string {
  const answer = { ...none, rows, outputs }
  return outputsText(form === undefined ? answer : { ...answer, form }, 'records')
}

const floats: Tensor = {
  name: 'f',
  type: 'float64',
  shape: [2, 2],
  data: new Float64Array([1, -0, Number.NaN, Number.NEGATIVE_INFINITY]),
}
const whole: Tensor = {
  name: 'w"x',
  type: 'int64',
  shape: [2, 1],
  data: new BigInt64Array([2n ** 62n, -1n]),
}
const texts: Tensor = {
  name: 't',
  type: 'string',
  shape: [2],
  data: ['a\n"b"', ''],
  gaps: new Uint8Array([0, 1]),
}

test('floats stay floats, whole numbers keep their digits, gaps are null', () => {
  expect(told([floats, whole, texts])).toBe(
    '[{"f":[1.0,-0.0],"w\\"x":4611686018427387904,"t":"a\\n\\"b\\""},{"f":[NaN,-Infinity],"w\\"x":-1,"t":null}]',
  )
})

test('what a Python model gave as a block, a dictionary or JSON is told so', () => {
  expect(told([whole], 'array')).toBe('[[4611686018427387904],[-1]]')
  expect(told([whole, texts], 'dict')).toBe(
    '{"w\\"x":[[4611686018427387904],[-1]],"t":["a\\n\\"b\\"",null]}',
  )
  const json = { name: 'j', type: 'string', shape: [1], data: ['{"a": [1.0]}'] } as const
  expect(told([json], 'json', 1)).toBe('{"a": [1.0]}')
})

test('blocks of any shape are lists of that shape', () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(shapes, fc.infiniteStream(fc.integer()), (shape, numbers) => {
      const size = shape.reduce((product, each) => product * each, 1)
      const data = Int32Array.from(numbers.take(size))
      const printed = told([{ name: 'x', type: 'int32', shape, data }], 'array')
      const sizes: number[] = []
      for (let value: ExactJson = parseExactJson(printed); Array.isArray(value);) {
        sizes.push(value.length)
        value = (value as ExactJson[])[0] ?? null
      }
      expect(sizes).toEqual(shape)
      expect([printed.match(/-?\d+/g)].flat().map(Number)).toEqual([...data])
    }),
    { seed: 21 },
  )
})
