import { createHash, hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Moving, ObjectName } from '#data'
import { openIncoming, putWhole } from './incoming.ts'

/** The part of a folder of objects that arrivals need. */
export interface ArrivalCache {
  pathOf(object: ObjectName): string
  missing(objects: readonly ObjectName[]): Promise<ObjectName[]>
}

export interface Arrived {
  readonly md5: string
  readonly sizeBytes: number
}

/** Puts bytes into the cache. */
export async function takeBytes(cache: ArrivalCache, bytes: Uint8Array): Promise<Arrived> {
  const object = { md5: hash('md5', bytes), legacy: false }
  if ((await cache.missing([object])).length > 0)
    putWhole(rootOf(cache), cache.pathOf(object), { content: bytes, mode: 0o444 })
  return { md5: object.md5, sizeBytes: bytes.length }
}

/** Puts what a stream gives into the cache: hashed as it passes, so that it cannot change in between. */
export async function takeStream(
  cache: ArrivalCache,
  stream: AsyncIterable<Uint8Array>,
  { onDone }: Pick<Moving, 'onDone'> = {},
): Promise<Arrived> {
  const incoming = openIncoming(rootOf(cache))
  const temporary = join(incoming.folder, 'stream')
  const digest = createHash('md5')
  let sizeBytes = 0
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      for await (const chunk of stream) {
        digest.update(chunk)
        sizeBytes += chunk.length
        await file.write(chunk)
        onDone?.(0, chunk.length)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    const md5 = digest.digest('hex')
    const path = cache.pathOf({ md5, legacy: false })
    await mkdir(dirname(path), { recursive: true })
    await chmod(temporary, 0o444)
    await rename(temporary, path)
    onDone?.(1, 0)
    return { md5, sizeBytes }
  } finally {
    incoming.remove()
  }
}

/** The folder that the cache is. */
function rootOf(cache: ArrivalCache): string {
  const shelf = dirname(cache.pathOf({ md5: '0'.repeat(32), legacy: false }))
  return dirname(dirname(dirname(shelf)))
}

export async function takeFile(
  cache: ArrivalCache,
  path: string,
  moving: Moving = {},
): Promise<Arrived> {
  return takeStream(cache, createReadStream(path, { highWaterMark: 1 << 20 }), moving)
}

/** What a file holds, without taking it. */
export async function readFileOnly(
  path: string,
  { onDone }: Pick<Moving, 'onDone'> = {},
): Promise<Arrived> {
  const digest = createHash('md5')
  let sizeBytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = chunk as Buffer
    digest.update(bytes)
    sizeBytes += bytes.length
    onDone?.(0, bytes.length)
  }
  onDone?.(1, 0)
  return { md5: digest.digest('hex'), sizeBytes }
}

/** Of an object that is in the cache. */
export async function sizeInCache(cache: ArrivalCache, object: ObjectName): Promise<number> {
  return (await stat(cache.pathOf(object))).size
}
