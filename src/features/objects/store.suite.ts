import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
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

  test('objects are listed in the order of their digests, in pages', async () => {
    const store = await openStore()
    expect(await store.list()).toEqual([])
    const puts = await Promise.all(
      Array.from({ length: 7 }, (_, at) => store.put(Buffer.from(`object ${at}`))),
    )
    const expected = puts.map((put) => put.digest).toSorted()
    const all = await store.list()
    expect(all.map((object) => object.digest)).toEqual(expected)
    expect(all.every((object) => object.sizeBytes === 'object 0'.length)).toBe(true)
    const first = await store.list(undefined, 3)
    const second = await store.list(first.at(-1)?.digest, 3)
    const third = await store.list(second.at(-1)?.digest, 3)
    expect([...first, ...second, ...third]).toEqual(all)
    expect(third).toHaveLength(1)
  })

  test('putting bytes again makes them as young as if they were new', async () => {
    const store = await openStore()
    const { digest } = await store.put(Buffer.from('again'))
    const [before] = await store.list()
    // Some servers keep times in whole seconds.
    await sleep(1100)
    await store.put(Buffer.from('again'))
    const [after] = await store.list()
    expect(after?.digest).toBe(digest)
    expect(after?.modifiedMs).toBeGreaterThan(before?.modifiedMs ?? Number.NaN)
  })

  test('a removed object is gone, and may be removed and put again', async () => {
    const store = await openStore()
    const { digest } = await store.put(Buffer.from('short-lived'))
    const kept = await store.put(Buffer.from('kept'))
    await store.remove(digest)
    await store.remove(digest)
    await store.remove('../x')
    expect(await store.find(digest)).toBeUndefined()
    await expect(store.open(digest)).rejects.toMatchObject({ code: 'not-found' })
    expect((await store.list()).map((object) => object.digest)).toEqual([kept.digest])
    await store.put(Buffer.from('short-lived'))
    expect(await buffer(await store.open(digest))).toEqual(Buffer.from('short-lived'))
  })
}
