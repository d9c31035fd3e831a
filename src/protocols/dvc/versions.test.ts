import { expect, test } from 'vitest'
import { readLockFile, withStage } from './lock-file.ts'
import { readTrackedFile, withContent } from './tracked-file.ts'

const FILES = `
    files:
    - relpath: a.txt
      md5: 60b725f10c9c85c70d97880dfe8191b3
      size: 2
      cloud:
        it:
          etag: 60b725f10c9c85c70d97880dfe8191b3
          version_id: v1`
const LOCK = `schema: '2.0'
stages:
  make:
    cmd: make
    outs:
    - path: data
      hash: md5${FILES.replaceAll('\n', '\n  ').trimEnd()}
    - path: model
      hash: md5
      md5: 60b725f10c9c85c70d97880dfe8191b3
      size: 2
      cloud:
        it:
          etag: 60b725f10c9c85c70d97880dfe8191b3
          version_id: v2
`
const TRACKED = `outs:
  - path: data # ours
    hash: md5${FILES}
`

test('what lists its files with versions has the content of a folder, at the hash that dvc gives it', () => {
  const [data, model] = readLockFile(LOCK).stages.get('make')?.outs ?? []
  expect(readLockFile(LOCK).problems).toEqual([])
  const content = { md5: '465a62c55506cd2fa10372c1f9ba4b5e.dir', files: 1, sizeBytes: 2 }
  expect(data?.content).toEqual(content)
  expect(data?.files?.map(({ versions }) => versions?.get('it'))).toEqual(['v1'])
  expect(model?.versions?.get('it')).toBe('v2')
  expect(readTrackedFile('data.dvc', TRACKED).value.outs[0]?.content).toEqual(content)
})

test('versions stay where the data is the same, and go where it changed', () => {
  const lock = readLockFile(LOCK).stages.get('make')
  const [data, model] = lock?.outs ?? []
  if (lock === undefined || data?.content === undefined || model?.content === undefined)
    throw new Error('the lock was not read')
  const plain = { path: 'data', content: data.content }
  expect(withStage(LOCK, 'make', { ...lock, outs: [plain, model] })).toBe(LOCK)
  const other = { path: 'model', content: { md5: '0'.repeat(32), sizeBytes: 1 } }
  const changed = withStage(LOCK, 'make', { ...lock, outs: [plain, other] })
  expect(changed).toContain('version_id: v1')
  expect(changed).not.toContain('version_id: v2')

  expect(withContent('data.dvc', TRACKED, plain)).toBe(TRACKED)
  const emptied = withContent('data.dvc', TRACKED, {
    path: 'data',
    content: { md5: 'd751713988987e9331980363e24189ce.dir', files: 0, sizeBytes: 0 },
  })
  expect(emptied).toContain('path: data # ours')
  expect(emptied).not.toContain('version_id')
})
