import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { StoredObject } from '#objects'
import type { S3 } from './s3-client.ts'

/** Of a body up to this size one request is made; larger ones go up in parts of it. S3 wants at least 5 MiB. */
const PART_BYTES = 8 << 20
/** S3 takes 10,000 parts; each time after so many they get twice as large, which makes room for 300 GB. */
const PARTS_OF_A_SIZE = 2500
const PARTS_AT_ONCE = 3

/** Where bytes go whose digest is known only when they have all come. */
export interface Target {
  readonly bucket: string
  /** The key that bytes of this digest have. */
  keyOf(digest: string): string
  /** A key that nobody else uses, from which nothing is ever read as an object. */
  stagingKey(): string
  /** Throws for a digest that is not the expected one. */
  check(digest: string): void
  /** Makes an object of the bytes at a staging key. */
  adopt(stagingKey: string, stored: StoredObject): Promise<void>
  readonly expected: string | undefined
}

/** Keeps a body under its digest, with a few parts in memory however long it is; an interrupted one leaves nothing. */
export async function upload(
  s3: S3,
  target: Target,
  bytes: Readable | Buffer,
): Promise<StoredObject> {
  const parts = partsOf(bytes)
  const first = await parts.next()
  const start = first.done === true ? Buffer.alloc(0) : first.value
  const second = await parts.next()
  if (second.done === true) return putWhole(s3, target, start)

  // With the digest known before, the parts can wait where they belong: an upload that is not completed is no object.
  const key = target.expected === undefined ? target.stagingKey() : target.keyOf(target.expected)
  const sending = await beginParts(s3, target.bucket, key)
  try {
    const hash = createHash('sha256')
    let sizeBytes = 0
    for await (const part of joined([start, second.value], parts)) {
      hash.update(part)
      sizeBytes += part.length
      await sending.add(part)
    }
    const stored = { digest: hash.digest('hex'), sizeBytes }
    target.check(stored.digest)
    await sending.complete()
    if (target.expected === undefined) await target.adopt(key, stored)
    return stored
  } catch (error) {
    await sending.abort()
    throw error
  }
}

/** Keeps a body at a key of the caller's choice. */
export async function uploadAs(
  s3: S3,
  { bucket, key }: { bucket: string; key: string },
  bytes: Readable | Buffer,
): Promise<void> {
  const here = () => key
  // The key is known beforehand, as that of an expected digest would be.
  const target = { bucket, keyOf: here, stagingKey: here, check: anyDigest, adopt: nothingToDo }
  await upload(s3, { ...target, expected: '' }, bytes)
}

function anyDigest(): void {
  // What a client keeps by itself has no digest that anybody promised.
}

async function nothingToDo(): Promise<void> {
  // It stands where it belongs.
}

async function putWhole(s3: S3, target: Target, bytes: Buffer): Promise<StoredObject> {
  const digest = createHash('sha256').update(bytes).digest('hex')
  target.check(digest)
  const { PutObjectCommand } = s3.sdk
  await s3.client.send(
    new PutObjectCommand({ Bucket: target.bucket, Key: target.keyOf(digest), Body: bytes }),
  )
  return { digest, sizeBytes: bytes.length }
}

async function beginParts(s3: S3, bucket: string, key: string) {
  const { sdk, client } = s3
  const at = { Bucket: bucket, Key: key }
  const begun = await client.send(new sdk.CreateMultipartUploadCommand(at))
  const named = { ...at, UploadId: begun.UploadId }
  const sent: Promise<{ ETag: string | undefined; PartNumber: number }>[] = []
  const send = async (PartNumber: number, Body: Buffer) => {
    const { ETag } = await client.send(new sdk.UploadPartCommand({ ...named, PartNumber, Body }))
    return { ETag, PartNumber }
  }
  return {
    add: async (part: Buffer) => {
      const sending = send(sent.length + 1, part)
      sending.catch(() => undefined)
      sent.push(sending)
      await sent.at(-PARTS_AT_ONCE)
    },
    complete: async () => {
      const Parts = await Promise.all(sent)
      await client.send(
        new sdk.CompleteMultipartUploadCommand({ ...named, MultipartUpload: { Parts } }),
      )
    },
    abort: async () => {
      // A part that is still under way would come after the end.
      await Promise.allSettled(sent)
      await client.send(new sdk.AbortMultipartUploadCommand(named)).catch(() => undefined)
    },
  }
}

/** Copies within a bucket; what is too large for one request goes in ranges. */
export async function copyObject(
  s3: S3,
  copy: { bucket: string; from: string; to: string; sizeBytes: number; rangeBytes: number },
): Promise<void> {
  const { sdk, client } = s3
  const at = { Bucket: copy.bucket, Key: copy.to }
  const CopySource = `${copy.bucket}/${copy.from.split('/').map(encodeURIComponent).join('/')}`
  if (copy.sizeBytes <= copy.rangeBytes) {
    await client.send(new sdk.CopyObjectCommand({ ...at, CopySource }))
    return
  }
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(at))
  try {
    const Parts: { ETag: string | undefined; PartNumber: number }[] = []
    for (let start = 0; start < copy.sizeBytes; start += copy.rangeBytes) {
      const end = Math.min(start + copy.rangeBytes, copy.sizeBytes) - 1
      const PartNumber = Parts.length + 1
      const part = { ...at, UploadId, PartNumber, CopySource }
      const { CopyPartResult } = await client.send(
        new sdk.UploadPartCopyCommand({ ...part, CopySourceRange: `bytes=${start}-${end}` }),
      )
      Parts.push({ ETag: CopyPartResult?.ETag, PartNumber })
    }
    await client.send(
      new sdk.CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }),
    )
  } catch (error) {
    await client
      .send(new sdk.AbortMultipartUploadCommand({ ...at, UploadId }))
      .catch(() => undefined)
    throw error
  }
}

async function* joined<T>(first: readonly T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first
  yield* rest
}

/** The bytes in pieces of the size of a part; only the last is smaller. */
async function* partsOf(bytes: Readable | Buffer): AsyncGenerator<Buffer> {
  let size = PART_BYTES
  let count = 0
  let part = Buffer.allocUnsafe(size)
  let filled = 0
  for await (const piece of Buffer.isBuffer(bytes) ? [bytes] : bytes) {
    const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece as string)
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.copy(part, filled, at)
      at += taken
      filled += taken
      if (filled < size) continue
      yield part
      if (++count % PARTS_OF_A_SIZE === 0) size *= 2
      part = Buffer.allocUnsafe(size)
      filled = 0
    }
  }
  if (filled > 0) yield part.subarray(0, filled)
}
