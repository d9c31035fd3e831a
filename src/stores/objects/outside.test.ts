import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buffer } from 'node:stream/consumers'
import { beforeEach, expect, test } from 'vitest'
import type { OutsideFiles } from '#tracking'
import { openOutsideFiles } from './outside.ts'

let root: string
let secret: string
let outside: OutsideFiles
const noBucket = () => Promise.reject(new Error('no bucket was asked for'))

beforeEach(async () => {
  const place = await mkdtemp(join(tmpdir(), 'orrery-outside-'))
  root = join(place, 'shared runs')
  secret = join(place, 'secret')
  await mkdir(join(root, 'deep'), { recursive: true })
  await writeFile(secret, 'secret')
  await writeFile(join(root, 'deep', '100%.txt'), 'odd name')
  outside = openOutsideFiles({ root, s3: noBucket })
})

test('files below the root are listed, found and read, by path and by address', async () => {
  for (const each of [root, pathToFileURL(root).href]) {
    const at = (path: string) => ({ root: each, path })
    expect(await outside.list(at(''))).toEqual([{ kind: 'folder', name: 'deep' }])
    expect(await outside.walk(at(''))).toEqual(['deep/100%.txt'])
    expect(await outside.find(at('deep/100%.txt'))).toMatchObject({ sizeBytes: 8 })
    const part = await outside.open(at('deep/100%.txt'), { start: 4, end: 5 })
    expect(String(await buffer(part))).toBe('na')
    expect(await outside.list(at('absent'))).toEqual([])
    expect(await outside.find(at('deep'))).toBeUndefined()
  }
})

test('what is put makes its folders and stands there whole', async () => {
  await outside.put({ root: `${root}/new`, path: 'a/b.txt' }, Buffer.from('put'))
  expect(await readFile(join(root, 'new', 'a', 'b.txt'), 'utf8')).toBe('put')
  expect(await outside.walk({ root, path: 'new' })).toEqual(['a/b.txt'])
})

test('nothing that lies elsewhere is reached, by whatever address or link', async () => {
  await symlink(secret, join(root, 'link'))
  await symlink(join(root, '..'), join(root, 'up'))
  const refused = { code: 'unsupported' }
  for (const [from, path] of [
    [secret, ''],
    [join(root, '..'), 'secret'],
    [root, '../secret'],
    [`${root}-other`, 'x'],
    [root, 'link'],
    [root, 'up/secret'],
    [`file://elsewhere${root}`, 'deep'],
    ['gs://bucket', 'x'],
    ['http://169.254.169.254/latest', ''],
    ['mlflow-artifacts://host/x', ''],
  ] as const) {
    const at = { root: from, path }
    await expect(outside.find(at)).rejects.toMatchObject(refused)
    await expect(outside.list(at)).rejects.toMatchObject(refused)
    await expect(outside.open(at)).rejects.toMatchObject(refused)
  }
  const through = { root, path: 'up/new/file' }
  await expect(outside.put(through, Buffer.from('x'))).rejects.toMatchObject(refused)
  expect(await readdir(join(root, '..'))).toEqual(['secret', 'shared runs'])
})
