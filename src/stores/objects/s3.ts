import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { ListedObject, ObjectStore, StoredObject } from '#objects'
import { assertExpected, isDigest, LISTED_MAX } from './object.ts'
import { s3Problem, telling, type S3 } from './s3-client.ts'
import { directTransfers } from './s3-direct.ts'
import { copyObject, upload, type Target } from './s3-upload.ts'
import { writeFile } from './write-file.ts'

/** S3 copies 5 GB at once; smaller ranges show progress to whoever waits for the connection. */
const COPY_BYTES = 256 << 20
/** Longer than an upload takes; what is older was left by a process that ended. */
const LEFT_BEHIND_MS = 3 * 24 * 60 * 60 * 1000

export interface Bucket {
  readonly bucket: string
  /** In front of every key, without slashes around it; empty for the bucket's root. */
  readonly prefix: string
  readonly nowMs: number
  readonly copyBytes?: number
}

/**
 * Objects in a bucket, under the same names as in a local folder. What is not yet known by its digest goes up under
 * `incoming/` and is copied, so that bytes never stand under a digest that is not theirs. Throws `unavailable` when
 * the bucket cannot be read and written.
 */
export async function openS3Objects(s3: S3, place: Bucket): Promise<ObjectStore> {
  const { bucket, prefix, copyBytes = COPY_BYTES } = place
  const under = prefix === '' ? '' : `${prefix}/`
  const keyOf = (digest: string) => `${under}${digest.slice(0, 2)}/${digest.slice(2)}`
  const stagingKey = () => `${under}incoming/${randomUUID()}`
  const told = <T>(work: () => Promise<T>) => telling(s3, bucket, work)
  const { sdk, client } = s3

  await told(() => probe(s3, bucket, under))
  removeLeftovers(s3, { bucket, under, beforeMs: place.nowMs - LEFT_BEHIND_MS }).catch(
    // It is tried again at the next start.
    () => undefined,
  )

  const adopt = async (from: string, { digest, sizeBytes }: StoredObject) => {
    const to = keyOf(digest)
    try {
      await copyObject(s3, { bucket, from, to, sizeBytes, rangeBytes: copyBytes })
    } finally {
      await client
        .send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: from }))
        .catch(() => undefined)
    }
  }
  const find = async (digest: string): Promise<StoredObject | undefined> => {
    if (!isDigest(digest)) return undefined
    try {
      const at = { Bucket: bucket, Key: keyOf(digest) }
      const { ContentLength = 0 } = await client.send(new sdk.HeadObjectCommand(at))
      return { digest, sizeBytes: ContentLength }
    } catch (error) {
      const problem = s3Problem(error, s3, bucket)
      if (problem instanceof Problem && problem.code === 'not-found') return undefined
      throw problem
    }
  }
  const open = (digest: string, range?: { start: number; end?: number }) =>
    told(async () => {
      if (!isDigest(digest)) throw absent(digest)
      const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end ?? ''}` }
      const at = { Bucket: bucket, Key: keyOf(digest) }
      const { Body } = await client.send(new sdk.GetObjectCommand({ ...at, ...Range }))
      return Body as Readable
    })

  return {
    find,
    open,
    put: (bytes, expected) => {
      const check = (digest: string) => assertExpected(digest, expected)
      const target: Target = { bucket, keyOf, stagingKey, check, adopt, expected }
      return keptFrom(
        bytes,
        (error) => s3Problem(error, s3, bucket),
        () => upload(s3, target, bytes),
      )
    },
    place: async (digest, path) => placed(await open(digest), digest, path),
    list: (after = '', limit = LISTED_MAX) =>
      told(() => list(s3, { bucket, under, after: after === '' ? '' : keyOf(after), limit })),
    remove: async (digest) => {
      if (!isDigest(digest)) return
      const at = { Bucket: bucket, Key: keyOf(digest) }
      await told(() => client.send(new sdk.DeleteObjectCommand(at)))
    },
    direct: directTransfers(s3, { bucket, under, keyOf, adopt }),
  }
}

/** Tells failures of the bucket; when the source itself broke off, that is what is told. */
async function keptFrom<T>(
  source: Readable | Buffer,
  told: (error: unknown) => unknown,
  work: () => Promise<T>,
): Promise<T> {
  let broken: unknown
  if (!Buffer.isBuffer(source)) source.once('error', (error) => (broken = error))
  try {
    return await work()
  } catch (error) {
    throw error === broken ? error : told(error)
  }
}

/** Lists, writes and deletes, since credentials may allow one and not the other. */
async function probe({ sdk, client }: S3, bucket: string, under: string): Promise<void> {
  await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: under, MaxKeys: 1 }))
  const at = { Bucket: bucket, Key: `${under}incoming/probe-${randomUUID()}` }
  await client.send(
    new sdk.PutObjectCommand({ ...at, Body: 'Orrery was here to see whether it may write.' }),
  )
  await client.send(new sdk.DeleteObjectCommand(at))
}

/** What earlier processes left half-written was never acknowledged. */
async function removeLeftovers(
  { sdk, client }: S3,
  { bucket, under, beforeMs }: { bucket: string; under: string; beforeMs: number },
): Promise<void> {
  const Prefix = `${under}incoming/`
  const isOld = (date: Date | undefined) => date !== undefined && date.getTime() < beforeMs
  const kept = await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix }))
  for (const { Key, LastModified } of kept.Contents ?? [])
    if (isOld(LastModified)) await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key }))
  const open = await client.send(
    new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: under }),
  )
  for (const { Key, UploadId, Initiated } of open.Uploads ?? [])
    if (isOld(Initiated))
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
}

async function list(
  { sdk, client }: S3,
  { bucket, under, after, limit }: { bucket: string; under: string; after: string; limit: number },
): Promise<ListedObject[]> {
  const objects: ListedObject[] = []
  for (let start = after; objects.length < limit;) {
    const page = await client.send(
      new sdk.ListObjectsV2Command({
        Bucket: bucket,
        Prefix: under,
        ...(start === '' ? {} : { StartAfter: start }),
        MaxKeys: Math.min(limit, LISTED_MAX),
      }),
    )
    for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
      start = Key
      const digest = Key.slice(under.length).replace('/', '')
      if (!isDigest(digest) || Key <= after || objects.length === limit) continue
      objects.push({ digest, sizeBytes: Size, modifiedMs: LastModified?.getTime() ?? 0 })
    }
    if (page.IsTruncated !== true) break
  }
  return objects
}

/** Writes beside the place and renames, so that a file is there whole or not at all. */
async function placed(bytes: Readable, digest: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${randomUUID()}`
  try {
    assertExpected((await writeFile(bytes, temporary)).digest, digest)
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

function absent(digest: string): Problem {
  return new Problem('not-found', `there is no object ${digest}`)
}
