import { expect, test } from 'vitest'
import { divided, ownerAmong, united } from './parts.ts'

const files = (...paths: string[]) => paths.map((path, index) => ({ path, md5: `${index}` }))

test.each([
  [undefined, ['a.csv', 'notes', 'x/b.csv'], []],
  ['*.csv', ['a.csv'], ['notes', 'x/b.csv']],
  ['**/*.csv', ['a.csv', 'x/b.csv'], ['notes']],
  ['*/', ['x'], ['a.csv', 'notes']],
])('%s divides a folder into parts and what they share', (glob, parts, shared) => {
  const found = divided(files('x/b.csv', 'notes', 'a.csv'), glob)
  expect(found.parts.map(({ name }) => name)).toEqual(parts)
  expect(found.shared.map(({ path }) => path).toSorted()).toEqual(shared)
})

test('a folder is another part when one of its files is, whatever their order', () => {
  const [one, same, other] = [
    files('d/a', 'd/b'),
    files('d/a', 'd/b').toReversed(),
    files('d/b', 'd/a'),
  ].map((entries) => divided(entries, '*/').parts[0]?.digest)
  expect(one).toBe(same)
  expect(one).not.toBe(other)
})

test.each([
  [['x'], ['x'], 'x'],
  [['x'], ['x/y'], 'x/y'],
  [['x/y'], ['x'], 'x'],
])('%s and %s cannot both be written', (one, other, path) => {
  expect(
    united([
      ['one', files(...one)],
      ['other', files(...other)],
    ]),
  ).toEqual({ collision: { path, parts: ['one', 'other'] } })
})

test('parts may share folders', () => {
  const found = united([
    ['one', files('x/a')],
    ['other', files('x/b')],
  ])
  expect(found).toEqual({ files: [...files('x/a'), ...files('x/b')] })
})

test('what a part writes is told by its name', () => {
  const ownerOf = ownerAmong(['a.csv', 'd/b.tar.gz'], 'out/{stem}')
  expect(ownerOf('out/a')).toBe('a.csv')
  expect(ownerOf('out/a/deep/file')).toBe('a.csv')
  expect(ownerOf('out/d/b.tar')).toBe('d/b.tar.gz')
  expect(ownerOf('out/c')).toBeUndefined()
})
