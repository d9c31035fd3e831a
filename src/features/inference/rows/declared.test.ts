import { expect, test } from 'vitest'
import type { ExactJson } from '#base/exact-json'
import { jsonIn, misfit } from './declared.ts'
import { paramsFor } from './params.ts'
import type { NestedSpec, ParamSpec } from './signature.ts'

const long: NestedSpec = { type: 'long' }
const object: NestedSpec = {
  type: 'object',
  properties: [
    { name: 'x', required: true, of: { type: 'string' } },
    { name: 'y', required: false, of: { type: 'array', items: long } },
  ],
}

test.each<[NestedSpec, ExactJson, RegExp | undefined]>([
  [{ type: 'array', items: long }, [1, 2n], undefined],
  [{ type: 'array', items: long }, [], undefined],
  [{ type: 'array', items: long }, [1, 2.5], /in 1: 2.5 stands where long/],
  [{ type: 'array', items: long }, 3, /3 stands where a list/],
  [{ type: 'array', items: { type: 'any' } }, null, undefined],
  [{ type: 'array', items: { type: 'double' } }, [1, null, 2.5], undefined],
  [{ type: 'map', values: long }, { a: 1 }, undefined],
  [{ type: 'map', values: long }, { a: 'x' }, /in a: "x"/],
  [{ type: 'map', values: long }, [1], /a list stands where a dictionary/],
  [object, { x: 'a' }, undefined],
  [object, { x: 'a', y: null }, undefined],
  [object, { y: [1] }, /lacks the required property x/],
  [object, { x: 'a', z: 1 }, /property z is not declared/],
  [object, { x: 'a', y: ['b'] }, /in y: in 0: "b"/],
  [object, JSON.parse('{"x":"a","__proto__":1}') as ExactJson, /__proto__ is not declared/],
  [{ type: 'any' }, { deep: [{}] }, undefined],
  [{ type: 'boolean' }, 1, /stands where boolean/],
])('%o of %o', (spec, value, problem) => {
  const found = misfit(value, spec)
  if (problem === undefined) expect(found).toBeUndefined()
  else expect(found).toMatch(problem)
})

test('the JSON of a dictionary is one, other texts are texts', () => {
  expect(jsonIn('{"a":1}')).toEqual({ a: 1 })
  expect(jsonIn('{no')).toBe('{no')
  expect(jsonIn('1')).toBe('1')
})

const declared: readonly ParamSpec[] = [
  { name: 'rate', type: 'double', default: 0.5, shape: null },
  { name: 'count', type: 'long', default: 3, shape: null },
  { name: 'ids', type: 'long', default: [1], shape: [-1] },
  { name: 'seed', type: 'double', default: null, shape: null },
]

test('parameters are those that the model declares, with defaults for the others', () => {
  expect(paramsFor(declared, { rate: 1, other: 2 })).toEqual({ rate: 1, count: 3, ids: [1] })
  expect(paramsFor(declared, undefined)).toEqual({ rate: 0.5, count: 3, ids: [1] })
  expect(paramsFor(declared, { ids: [2n ** 60n] })?.['ids']).toEqual([2n ** 60n])
  expect(paramsFor(undefined, { rate: 1 })).toBeUndefined()
})

test('each parameter that does not fit is named', () => {
  expect(() => paramsFor(declared, { rate: 'x', count: 1, ids: 3n })).toThrow(
    'Invalid parameters found: rate is "x", which is no double; count is 1, which is no long; ids is 3, which is no list of long',
  )
})
