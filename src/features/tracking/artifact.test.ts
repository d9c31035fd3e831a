import { expect, test } from 'vitest'
import {
  checkedArtifactPath,
  entriesBelow,
  foldersAbove,
  joinUri,
  pathOfUri,
  relativeTo,
  treeDigest,
} from './artifact.ts'

const file = (path: string, digest = 'd') => ({ path, digest, sizeBytes: 1 })

test.each([
  ['mlflow-artifacts:/0/r/artifacts', '0/r/artifacts'],
  ['mlflow-artifacts:/0/', '0'],
  ['mlflow-artifacts://host:1/0/r', '0/r'],
  ['http://host/api/2.0/mlflow-artifacts/artifacts/0/r', '0/r'],
  ['s3://bucket/0', undefined],
  ['file:///tmp/x', undefined],
  ['https://elsewhere/0', undefined],
])('the address %s means the path %s of our tree', (uri, path) => {
  expect(pathOfUri(uri)).toBe(path)
})

test('what follows a question mark stays at the end of an address', () => {
  expect(joinUri('s3://bucket/a/?endpoint=b', 'r', 'artifacts')).toBe(
    's3://bucket/a/r/artifacts?endpoint=b',
  )
  expect(joinUri('mlflow-artifacts:/0', 'r')).toBe('mlflow-artifacts:/0/r')
})

test.each([
  '',
  '/a',
  'a/',
  'a//b',
  '..',
  'a/../b',
  './a',
  'a\\b',
  'C:/x',
  'a\0',
  'a\nb',
  'x/'.repeat(2100) + 'x',
])('a path may not be %j', (path) => {
  expect(() => checkedArtifactPath(path)).toThrow(/Invalid path/)
})

test('names as people give them make paths', () => {
  for (const path of ['a b/ü.txt', '...', '~$x', 'a:b', '100%'])
    expect(checkedArtifactPath(path)).toBe(path)
})

test('a listing has the files and folders directly below, each once', () => {
  const files = [file('r/a'), file('r/d/x'), file('r/d/y/z'), file('r/é')]
  expect(entriesBelow('r', files)).toEqual([
    { kind: 'file', name: 'a', sizeBytes: 1 },
    { kind: 'folder', name: 'd' },
    { kind: 'file', name: 'é', sizeBytes: 1 },
  ])
  expect(foldersAbove('r/d/y/z')).toEqual(['r', 'r/d', 'r/d/y'])
})

test('the digest of a tree minds names, places and bytes, and no order', () => {
  const tree = [file('b', '1'), file('a', '2')]
  const digest = treeDigest(tree)
  expect(treeDigest(tree.toReversed())).toBe(digest)
  expect(treeDigest(relativeTo('r', [file('r/a', '2'), file('r/b', '1')]))).toBe(digest)
  expect(treeDigest([file('b', '2'), file('a', '1')])).not.toBe(digest)
  expect(treeDigest([file('b', '1')])).not.toBe(digest)
})
