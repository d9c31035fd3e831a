import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { sha256 } from '#base/digest'
import type { ObjectStore } from './store.ts'

/** The laws of every object store. */
export function objectStoreSuite(openStore: () => Promise<ObjectStore>): void {
  test('what was put is read back whole, by its SHA-256', async () => {
    const store = await openStore()
    const bytes = Buffer.from('some bytes\0and more')
    const put = await store.put(Readable.from([bytes.subarray(0, 4), bytes.subarray(4)]))
    expect(put).toEqual({ digest: sha256(bytes), sizeBytes: bytes.length })
    expect(await buffer(await store.open(put.digest))).toEqual(bytes)
    expect(await buffer(await store.open(put.digest, { start: 5, end: 9 }))).toEqual(
      bytes.subarray(5, 10),
    )
    expect(await store.find(put.digest)).toEqual(put)
  })

  test('putting the same bytes at once from many sides keeps them once', async () => {
    const store = await openStore()
    const puts = await Promise.all(Array.from({ length: 8 }, () => store.put(Buffer.from('same'))))
    expect(new Set(puts.map((put) => put.digest)).size).toBe(1)
  })

  test('bytes that are not the expected ones are refused and not kept', async () => {
    const store = await openStore()
    const other = sha256('other')
    await expect(store.put(Buffer.from('mine'), other)).rejects.toMatchObject({ code: 'invalid' })
    expect(await store.find(other)).toBeUndefined()
    expect(await store.find(sha256('mine'))).toBeUndefined()
  })

  test('an absent object is not found, and a name that is no digest is never a path', async () => {
    const store = await openStore()
    await expect(store.open(sha256('absent'))).rejects.toMatchObject({ code: 'not-found' })
    await expect(store.open('../../etc/passwd')).rejects.toMatchObject({ code: 'not-found' })
    expect(await store.find('../x')).toBeUndefined()
  })

  test('a source that breaks off leaves nothing behind', async () => {
    const store = await openStore()
    const broken = Readable.from(
      (function* () {
        yield Buffer.from('half')
        throw new Error('connection lost')
      })(),
    )
    await expect(store.put(broken)).rejects.toThrow('connection lost')
    expect(await store.find(sha256('half'))).toBeUndefined()
  })

  test('an object can be placed as a file, twice over', async () => {
    const store = await openStore()
    const { digest } = await store.put(Buffer.from('a model'))
    const path = join(await mkdtemp(join(tmpdir(), 'orrery-objects-')), 'deep', 'model.onnx')
    await store.place(digest, path)
    await store.place(digest, path)
    expect(await readFile(path, 'utf8')).toBe('a model')
  })
}
