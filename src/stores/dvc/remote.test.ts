import { hash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openObjectFolder } from './objects.ts'
import { openFolderRemote } from './remote.ts'

const top = mkdtempSync(join(tmpdir(), 'orrery-remote-'))
afterAll(() => rmSync(top, { recursive: true, force: true }))

test('a remote that is a folder tells what it has moved, and keeps damaged objects out', async () => {
  const trees = { print: () => '', read: () => [] }
  const cache = openObjectFolder({ folder: join(top, 'cache'), trees })
  const remote = openFolderRemote({ name: 'store', folder: join(top, 'remote'), cache, trees })
  const texts = Array.from({ length: 100 }, (_, number) => `file ${number}`)
  const objects = texts.map((text) => ({ md5: hash('md5', text), legacy: false }))
  for (const [index, object] of objects.entries()) {
    mkdirSync(dirname(cache.pathOf(object)), { recursive: true })
    writeFileSync(cache.pathOf(object), index === 3 ? 'damaged' : (texts[index] ?? ''))
  }
  const moved = { objects: 0, sizeBytes: 0 }
  const onDone = (count: number, sizeBytes: number) => {
    moved.objects += count
    moved.sizeBytes += sizeBytes
  }
  const failed = await remote.upload(objects, { onDone })
  expect(failed.map(({ object }) => object)).toEqual([objects[3]])
  expect(failed[0]?.reason).toContain('is damaged')
  const whole = texts.filter((_, index) => index !== 3)
  expect(moved).toEqual({ objects: 100, sizeBytes: whole.join('').length })
  const missing = await remote.missing(objects)
  expect(missing).toEqual([objects[3]])
  const shelves = readdirSync(join(top, 'remote', 'files', 'md5'))
  const left = shelves.flatMap((name) => readdirSync(join(top, 'remote', 'files', 'md5', name)))
  expect(left.filter((name) => name.startsWith('.'))).toEqual([])
})
