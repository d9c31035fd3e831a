import { expect, test } from 'vitest'
import { checkedKey, generatedName } from './names.ts'

test.each(['a', 'a b', 'a/b', 'a.b-c_d:e', 'größe', '損失', 'a'.repeat(250), 'a...'])(
  'a key may be %j',
  (key) => {
    expect(checkedKey(key, 'a metric')).toBe(key)
  },
)

test.each([
  '',
  '.',
  '..',
  '../a',
  '/a',
  'a/',
  'a//b',
  './a',
  'a/../b',
  'a$',
  'a\nb',
  'a'.repeat(251),
])('a key may not be %j', (key) => {
  expect(() => checkedKey(key, 'a metric')).toThrow(/a metric/)
})

test('the same digits give the same name of two words and a number', () => {
  const name = generatedName('0123456789abcdef0123456789abcdef')
  expect(name).toMatch(/^[a-z]+-[a-z]+-\d{1,3}$/)
  expect(generatedName('0123456789abcdef0123456789abcdef')).toBe(name)
})
