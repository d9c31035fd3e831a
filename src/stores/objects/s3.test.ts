import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '#base/digest'
import type { DirectTransfers, ObjectStore } from '#objects'
import { objectStoreSuite } from '#suites/objects'
import { startS3, type S3Server } from '../../../tests/support/s3.ts'
import { bucketIn, lazyS3, type S3Options } from './s3-client.ts'
import { openS3Objects } from './s3.ts'

let server: S3Server
let bucket: string
let places = 0

beforeAll(async () => {
  server = await startS3()
  bucket = await server.createBucket()
}, 90_000)
afterAll(() => server.stop())

/** A place of its own in the bucket: buckets are dear, prefixes are not. */
async function openStore(
  options: Partial<S3Options> & { bucket?: string; copyBytes?: number; prefix?: string } = {},
): Promise<ObjectStore> {
  const { copyBytes, prefix = `place ${++places}/objects`, ...rest } = options
  const s3 = lazyS3({ endpoint: server.endpoint, credentials: server.owner, ...rest })
  const place = { bucket: options.bucket ?? bucket, prefix, nowMs: Date.now() }
  return openS3Objects(await s3(), copyBytes === undefined ? place : { ...place, copyBytes })
}

describe('objects in a bucket', () => {
  objectStoreSuite(openStore)
})

/** Bytes that differ everywhere, so that parts in a wrong order show. */
function bytesOf(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes)
  for (let at = 0; at + 4 <= sizeBytes; at += 4096) bytes.writeUInt32LE(at, at)
  return bytes
}

const inPieces = (bytes: Buffer, pieceBytes = 1 << 16) =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += pieceBytes)
        yield bytes.subarray(at, at + pieceBytes)
    })(),
  )

async function everythingIn(prefix: string): Promise<{ keys: string[]; uploads: number }> {
  const at = { Bucket: bucket, Prefix: prefix }
  const { Contents = [] } = await server.client.send(new ListObjectsV2Command(at))
  const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand(at))
  return { keys: Contents.map(({ Key = '' }) => Key), uploads: Uploads.length }
}

describe('a body that is larger than a part', () => {
  const large = bytesOf((20 << 20) + 7)

  test.each([
    ['of unknown digest', undefined, undefined],
    ['of known digest', sha256(large), undefined],
    ['copied in ranges', undefined, 6 << 20],
  ])('%s goes up in parts and comes back whole', async (_, expected, copyBytes) => {
    const prefix = `large ${++places}`
    const store = await openStore({ prefix, ...(copyBytes === undefined ? {} : { copyBytes }) })
    const stored = await store.put(inPieces(large), expected)
    expect(stored).toEqual({ digest: sha256(large), sizeBytes: large.length })
    expect(large.equals(await buffer(await store.open(stored.digest)))).toBe(true)
    const range = { start: (9 << 20) - 3, end: (9 << 20) + 4096 }
    expect(await buffer(await store.open(stored.digest, range))).toEqual(
      large.subarray(range.start, range.end + 1),
    )
    // Nothing stays where it was gathered.
    const { digest } = stored
    expect(await everythingIn(prefix)).toEqual({
      keys: [`${prefix}/${digest.slice(0, 2)}/${digest.slice(2)}`],
      uploads: 0,
    })
    const path = join(await mkdtemp(join(tmpdir(), 'orrery-s3-')), 'model.bin')
    await store.place(digest, path)
    expect(sha256(await readFile(path))).toBe(digest)
  })

  test('that breaks off, or is not the expected one, leaves no object and no upload', async () => {
    const prefix = `broken ${++places}`
    const store = await openStore({ prefix })
    const broken = Readable.from(
      (function* () {
        for (let piece = 0; piece < 20; piece++) yield Buffer.alloc(1 << 20, piece)
        // As a socket says it, which is not the bucket's fault.
        throw Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })
      })(),
    )
    await expect(store.put(broken)).rejects.toThrow('connection lost')
    const other = sha256('other')
    await expect(store.put(inPieces(large), other)).rejects.toMatchObject({ code: 'invalid' })
    expect(await everythingIn(prefix)).toEqual({ keys: [], uploads: 0 })
  })
})

function directOf(store: ObjectStore): DirectTransfers {
  if (store.direct === undefined) throw new Error('the store knows no direct transfers')
  return store.direct
}

describe('direct transfers', () => {
  test('parts sent to their addresses become an object under its digest, also when asked twice', async () => {
    const prefix = `direct ${++places}`
    const store = await openStore({ prefix })
    const parts = [bytesOf(5 << 20), bytesOf(1000)]
    const direct = directOf(store)
    const { id, urls } = await direct.beginUpload(2)
    const sent = await Promise.all(
      parts.map(async (body, index) => {
        const answer = await fetch(urls[index] as string, {
          method: 'PUT',
          body: new Uint8Array(body),
        })
        expect(answer.status).toBe(200)
        return { number: index + 1, etag: answer.headers.get('etag') ?? '' }
      }),
    )
    const asked = await Promise.all([
      direct.finishUpload(id, sent.toReversed()),
      direct.finishUpload(id, sent),
    ])
    const whole = Buffer.concat(parts)
    const stored = { digest: sha256(whole), sizeBytes: whole.length }
    expect(asked).toEqual([stored, stored])
    expect((await everythingIn(prefix)).keys).toHaveLength(1)
    const options = { name: 'a "b" ü.bin', type: 'text/plain', expiresSeconds: 60 }
    const url = await direct.downloadUrl(stored.digest, options)
    const part = await fetch(url, { headers: { range: 'bytes=5242878-5242889' } })
    expect(part.status).toBe(206)
    expect(part.headers.get('content-type')).toBe('text/plain')
    expect(part.headers.get('content-disposition')).toContain("UTF-8''a%20%22b%22%20%C3%BC.bin")
    expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(5242878, 5242890))
  })

  test('an upload that is given up is gone, and one that nobody began is not found', async () => {
    const prefix = `direct ${++places}`
    const direct = directOf(await openStore({ prefix }))
    const { id } = await direct.beginUpload(1)
    expect((await everythingIn(prefix)).uploads).toBe(1)
    await direct.abortUpload(id)
    expect((await everythingIn(prefix)).uploads).toBe(0)
    const finished = direct.finishUpload(id, [{ number: 1, etag: '"x"' }])
    await expect(finished).rejects.toMatchObject({ code: 'not-found' })
    await expect(direct.finishUpload('../../x.y', [])).rejects.toMatchObject({
      code: 'invalid',
    })
    await expect(direct.beginUpload(10_001)).rejects.toMatchObject({ code: 'invalid' })
  })

  test('what a process left long ago is removed, and what is under way is not', async () => {
    const prefix = `left ${++places}`
    await directOf(await openStore({ prefix })).beginUpload(1)
    await openStore({ prefix })
    expect((await everythingIn(prefix)).uploads).toBe(1)
    const s3 = await lazyS3({ endpoint: server.endpoint, credentials: server.owner })()
    await openS3Objects(s3, { bucket, prefix, nowMs: Date.now() + 4 * 24 * 60 * 60 * 1000 })
    await expect.poll(async () => (await everythingIn(prefix)).uploads).toBe(0)
  })
})

describe('a bucket that cannot be used is told at the start, without secrets', () => {
  const owner = { accessKeyId: 'AKIATESTOWNER', secretAccessKey: 'wrong-secret' }
  const nobody = { ...owner, accessKeyId: 'AKIANOBODY' }
  test.each([
    ['absent', () => ({ bucket: 'no-such-bucket' }), 'the bucket does not exist'],
    ['wrong secret', () => ({ credentials: owner }), 'the secret does not fit the access key'],
    ['unknown key', () => ({ credentials: nobody }), 'the access key is not known'],
    ['no rights', () => ({ credentials: server.reader }), 'these credentials may not do that'],
    ['unreachable', () => ({ endpoint: 'http://127.0.0.1:1' }), 'cannot be reached (ECONNREFUSED)'],
  ])('%s', async (_, given: () => Parameters<typeof openStore>[0], message) => {
    const refusal = await openStore(given()).catch((error: unknown) => error)
    expect(refusal).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(message),
    })
    const told = (refusal as Error).message
    expect(told).toContain(`the bucket ${given()?.bucket ?? bucket} at http://127.0.0.1`)
    expect(told).not.toMatch(/secret-of|wrong-secret|AKIA/)
  })
})

test.each([
  ['s3://bucket/some/prefix/', { bucket: 'bucket', prefix: 'some/prefix' }],
  ['s3://bucket', { bucket: 'bucket', prefix: '' }],
  ['s3a://bucket/x?endpoint=http://169.254.169.254', { bucket: 'bucket', prefix: 'x' }],
  ['s3://host:80@other/x', undefined],
  ['s3:///x', undefined],
  ['gs://bucket/x', undefined],
  ['/s3://bucket', undefined],
])('the address %s means %j', (uri, place) => {
  expect(bucketIn(uri)).toEqual(place)
})
