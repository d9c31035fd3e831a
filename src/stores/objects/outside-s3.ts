import type { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { ArtifactEntry } from '#tracking'
import type { OutsidePlace } from './outside-disk.ts'
import { s3Problem, telling, type S3 } from './s3-client.ts'
import { uploadAs } from './s3-upload.ts'

/** A file or a folder in a bucket; folders are what keys share up to a slash. */
export function outsideBucket(s3: S3, bucket: string, key: string): OutsidePlace {
  const { sdk, client } = s3
  const under = key === '' ? '' : `${key}/`
  const at = { Bucket: bucket, Key: key }
  const told = <T>(work: () => Promise<T>) => telling(s3, bucket, work)
  return {
    list: () => told(() => list(s3, bucket, under)),
    walk: () =>
      told(async () => {
        const paths: string[] = []
        for await (const page of pages(s3, { Bucket: bucket, Prefix: under }))
          for (const { Key = '' } of page.Contents ?? [])
            // A key that ends with a slash stands for an empty folder.
            if (!Key.endsWith('/')) paths.push(Key.slice(under.length))
        return paths
      }),
    find: async () => {
      try {
        const found = await client.send(new sdk.HeadObjectCommand(at))
        return {
          sizeBytes: found.ContentLength ?? 0,
          version: (found.ETag ?? '').replaceAll('"', ''),
        }
      } catch (error) {
        const problem = s3Problem(error, s3, bucket)
        if (problem instanceof Problem && problem.code === 'not-found') return undefined
        throw problem
      }
    },
    open: (range) =>
      told(async () => {
        const Range =
          range === undefined ? {} : { Range: `bytes=${range.start}-${range.end ?? ''}` }
        const { Body } = await client.send(new sdk.GetObjectCommand({ ...at, ...Range }))
        return Body as Readable
      }),
    put: (bytes) => told(() => uploadAs(s3, { bucket, key }, bytes)),
    presign: (use, expiresSeconds) =>
      told(() =>
        s3.presign(
          use === 'read' ? new sdk.GetObjectCommand(at) : new sdk.PutObjectCommand(at),
          expiresSeconds,
        ),
      ),
  }
}

async function list(s3: S3, bucket: string, under: string): Promise<ArtifactEntry[]> {
  const entries: ArtifactEntry[] = []
  for await (const page of pages(s3, { Bucket: bucket, Prefix: under, Delimiter: '/' })) {
    for (const { Prefix = '' } of page.CommonPrefixes ?? [])
      entries.push({ kind: 'folder', name: Prefix.slice(under.length, -1) })
    for (const { Key = '', Size = 0 } of page.Contents ?? [])
      if (Key !== under)
        entries.push({ kind: 'file', name: Key.slice(under.length), sizeBytes: Size })
  }
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function* pages(
  { sdk, client }: S3,
  asked: { Bucket: string; Prefix: string; Delimiter?: string },
) {
  for (let ContinuationToken: string | undefined; ;) {
    const page = await client.send(new sdk.ListObjectsV2Command({ ...asked, ContinuationToken }))
    yield page
    ContinuationToken = page.NextContinuationToken
    if (page.IsTruncated !== true || ContinuationToken === undefined) return
  }
}
