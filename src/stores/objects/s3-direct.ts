import { createHash, randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { DirectTransfers, StoredObject } from '#objects'
import { s3Problem, telling, type S3 } from './s3-client.ts'

/** What a slow line needs for a large file. */
const UPLOAD_SECONDS = 12 * 60 * 60
/** S3 knows no more. */
const PARTS_MAX = 10_000

interface Place {
  readonly bucket: string
  readonly under: string
  keyOf(digest: string): string
  adopt(stagingKey: string, stored: StoredObject): Promise<void>
}

/** An upload under way: its key and S3's own name for it. */
interface Upload {
  readonly key: string
  readonly id: string
}

/** Transfers between a client and the bucket by presigned addresses. */
export function directTransfers(s3: S3, { bucket, under, keyOf, adopt }: Place): DirectTransfers {
  const { sdk, client } = s3
  const told = <T>(work: () => Promise<T>) => telling(s3, bucket, work)
  /** A client that waited too long asks again, while the first asking goes on. */
  const finishing = new Map<string, Promise<StoredObject>>()

  const finish = async (
    { key, id }: Upload,
    parts: readonly { number: number; etag: string }[],
  ) => {
    const at = { Bucket: bucket, Key: key }
    const Parts = parts
      .toSorted((a, b) => a.number - b.number)
      .map(({ number, etag }) => ({ PartNumber: number, ETag: etag }))
    try {
      const whole = { ...at, UploadId: id, MultipartUpload: { Parts } }
      await client.send(new sdk.CompleteMultipartUploadCommand(whole))
    } catch (error) {
      // It may have been completed by an asking whose answer was lost.
      if (!(await exists(s3, at))) throw refused(error)
    }
    const stored = await digestAt(s3, at)
    await adopt(key, stored)
    return stored
  }

  return {
    downloadUrl: (digest, { name, type, expiresSeconds }) =>
      told(() =>
        s3.presign(
          new sdk.GetObjectCommand({
            Bucket: bucket,
            Key: keyOf(digest),
            ResponseContentType: type,
            ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
          }),
          expiresSeconds,
        ),
      ),
    beginUpload: (parts) => told(() => begin(s3, { bucket, under, parts })),
    finishUpload: (id, parts) =>
      told(async () => {
        const going = finishing.get(id) ?? finish(uploadIn(id, under), parts)
        finishing.set(id, going)
        try {
          return await going
        } finally {
          finishing.delete(id)
        }
      }),
    abortUpload: (id) =>
      told(async () => {
        const { key, id: UploadId } = uploadIn(id, under)
        const at = { Bucket: bucket, Key: key, UploadId }
        await client.send(new sdk.AbortMultipartUploadCommand(at)).catch((error: unknown) => {
          throw refused(error)
        })
      }),
  }
}

async function begin(
  { sdk, client, presign }: S3,
  { bucket, under, parts }: { bucket: string; under: string; parts: number },
): Promise<{ id: string; urls: string[] }> {
  if (parts < 1 || parts > PARTS_MAX)
    throw new Problem(
      'invalid',
      `an upload has 1 to ${PARTS_MAX} parts, not ${parts}; choose larger ones`,
    )
  const name = randomUUID()
  const at = { Bucket: bucket, Key: `${under}incoming/${name}` }
  const { UploadId = '' } = await client.send(new sdk.CreateMultipartUploadCommand(at))
  const urls: string[] = []
  for (let PartNumber = 1; PartNumber <= parts; PartNumber++) {
    const part = new sdk.UploadPartCommand({ ...at, UploadId, PartNumber })
    urls.push(await presign(part, UPLOAD_SECONDS))
  }
  return { id: `${name}.${UploadId}`, urls }
}

/** Only keys under which uploads wait are ever named by an identifier. */
function uploadIn(text: string, under: string): Upload {
  const [, name, id] = /^([0-9a-f-]{36})\.([\w.~+/=-]{1,2000})$/.exec(text) ?? []
  if (name === undefined || id === undefined)
    throw new Problem('invalid', `${JSON.stringify(text.slice(0, 100))} names no upload; begin one`)
  return { key: `${under}incoming/${name}`, id }
}

async function exists(s3: S3, at: { Bucket: string; Key: string }): Promise<boolean> {
  try {
    await s3.client.send(new s3.sdk.HeadObjectCommand(at))
    return true
  } catch (error) {
    const problem = s3Problem(error, s3, at.Bucket)
    if (problem instanceof Problem && problem.code === 'not-found') return false
    throw problem
  }
}

/** What a client sent wrong is told as that, not as a bucket that cannot be used. */
function refused(error: unknown): unknown {
  const { name = '' } = error as { name?: string }
  if (name === 'NoSuchUpload')
    return new Problem('not-found', 'this upload is not under way; begin a new one')
  if (/^(InvalidPart|InvalidPartOrder|EntityTooSmall|MalformedXML)$/.test(name))
    return new Problem(
      'invalid',
      `the parts do not make a file (${name}); send each with its ETag, all but the last with 5 MiB or more`,
    )
  return error
}

/** The digest of what stands at a key, read once. */
async function digestAt(
  { sdk, client }: S3,
  at: { Bucket: string; Key: string },
): Promise<StoredObject> {
  const { Body } = await client.send(new sdk.GetObjectCommand(at))
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const piece of Body as Readable) {
    hash.update(piece as Buffer)
    sizeBytes += (piece as Buffer).length
  }
  return { digest: hash.digest('hex'), sizeBytes }
}
