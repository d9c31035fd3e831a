import { expect, test } from 'vitest'
import type { ParamValue } from '#stages'
import { stageMetaOf } from './stage-meta.ts'

const pinIn = (value: ParamValue) => stageMetaOf(new Map([['pin', value]])).pin

test('a stage may say that nothing is pinned, or add to it and leave out', () => {
  expect(pinIn(false)).toBe(false)
  expect([pinIn(true), stageMetaOf(undefined).pin]).toEqual([undefined, undefined])
  const said = new Map<string, ParamValue>([
    ['OMP_NUM_THREADS', 4n],
    ['TZ', null],
    ['SEED', 'seven'],
  ])
  expect([...(pinIn(said) || [])]).toEqual([
    ['OMP_NUM_THREADS', '4'],
    ['TZ', null],
    ['SEED', 'seven'],
  ])
})

test.each<[ParamValue, RegExp]>([
  ['off', /meta\.pin must be false, or a map/],
  [new Map([['A=B', 'c']]), /A=B is no name of a variable/],
  [new Map([['A', ['c']]]), /meta\.pin\.A must be a text or a number/],
])('%j is refused', (value, why) => {
  expect(() => pinIn(value)).toThrow(why)
})

test('the environment of a stage is a name', () => {
  const named = (value: ParamValue) => stageMetaOf(new Map([['environment', value]])).environment
  expect(named('torch')).toBe('torch')
  expect(() => named(['torch'])).toThrow(/must be the name of an environment/)
})
