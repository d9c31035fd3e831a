import { expect, test } from 'vitest'
import { listedPathsFault } from './safe-path.ts'

test('files of any folder in any order can be listed', () => {
  const paths = [
    'a',
    'b/a',
    'b/c/a',
    'b/d',
    'b/...',
    '.a',
    'b/.gitignore',
    'é',
    'b/ ',
    'a b',
    '..a',
  ]
  expect(listedPathsFault(paths)).toBe(undefined)
  expect(listedPathsFault(paths.toSorted())).toBe(undefined)
})

test.each([
  ['', 'is no name'],
  ['/x', 'is absolute'],
  ['x\0', 'has a NUL in it'],
  ['..', 'leads out of the folder'],
  ['.', 'is not written as DVC writes paths'],
  ['b/', 'is not written as DVC writes paths'],
  ['b//x', 'is not written as DVC writes paths'],
  ['b/../x', 'leads out of the folder'],
  ['b/..', 'leads out of the folder'],
  ['b/.', 'is not written as DVC writes paths'],
  ['b/x\0', 'has a NUL in it'],
  ['b/.DVC', 'lies in .DVC'],
  ['.git', 'lies in .git'],
  ['.git/config', 'lies in .git'],
])('%j cannot be listed, wherever it stands', (path, why) => {
  for (const before of [[], ['a'], ['a', 'b/a'], ['b/a', 'a'], ['b/a', 'b/c/a'], ['z', 'b/z']])
    expect(listedPathsFault([...before, path])).toContain(
      `names ${JSON.stringify(path)}, which ${why}`,
    )
})

test.each([
  [['a', 'a'], 'names "a" twice'],
  [['b/a', 'a', 'b/a'], 'names "b/a" twice'],
  [['a', 'b', 'b/a'], 'names "b" as a file and as a folder'],
  [['b/c/a', 'b'], 'names "b" as a file and as a folder'],
  [['b/c/a', 'b/c'], 'names "b/c" as a file and as a folder'],
])('%j cannot be listed together', (paths, why) => {
  expect(listedPathsFault(paths)).toBe(why)
})
