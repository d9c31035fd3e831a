import { expect, test } from 'vitest'
import { checkedAlias, checkedName, checkedTag } from './names.ts'

test.each(['late', 'flights late', 'größe-2.1', '...'])('a model may be called %j', (name) => {
  expect(checkedName(name)).toBe(name)
})

test.each(['', '  ', 'a/b', 'a:b', '.', '..'])('a model may not be called %j', (name) => {
  expect(() => checkedName(name)).toThrow(/no name/)
})

test.each(['champion', 'a-b_c', '2024', 'version1'])('an alias may be %j', (alias) => {
  expect(checkedAlias(alias)).toBe(alias)
})

test.each(['', 'a b', 'a.b', 'latest', 'LATEST', 'v3', 'V12', 'x'.repeat(256)])(
  'an alias may not be %j',
  (alias) => {
    expect(() => checkedAlias(alias)).toThrow(/alias/)
  },
)

test('a tag may hold the text of a long prompt, and no more', () => {
  const value = 'x'.repeat(100_000)
  expect(checkedTag({ key: 'text', value }).value).toBe(value)
  expect(() => checkedTag({ key: 'text', value: `${value}x` })).toThrow(/100000/)
})

test('a tag that asks for a conversion names what there is a conversion to', () => {
  expect(checkedTag({ key: 'orrery.convert', value: 'onnx' }).value).toBe('onnx')
  expect(() => checkedTag({ key: 'orrery.convert', value: 'tflite' })).toThrow(
    'the tag orrery.convert is "tflite", but models are converted to onnx only',
  )
})
