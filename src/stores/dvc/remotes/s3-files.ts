import type { Readable } from 'node:stream'
import { bucketAt, telling, type Bucket, type RemoteOptions } from './s3.ts'

/** A file of a bucket as it is there; the version is told by buckets that keep them. */
export interface BucketFile {
  /** Below the address; '' where that is the file itself. */
  readonly path: string
  readonly etag: string
  readonly sizeBytes: number
  readonly version: string | undefined
}

/** The files at an address of a bucket, for who takes them from there. */
export interface BucketFiles {
  readonly where: string
  /** The file of that very name, as it is now or in a version. */
  look(path: string, version?: string): Promise<BucketFile | undefined>
  /** All below a folder; with their versions only when asked, which takes the right to see those. */
  list(how: { versions: boolean }): Promise<BucketFile[]>
  /** From a byte on. */
  read(path: string, version: string | undefined, from?: number): Promise<Readable | undefined>
}

export async function bucketFiles(url: string, options: RemoteOptions): Promise<BucketFiles> {
  const at = await bucketAt(url, options)
  const keyOf = (path: string) => at.keyOf(path).replace(/\/$/, '')
  return {
    where: at.where,
    look: async (path, wanted) => {
      const { HeadObjectCommand } = at.sdk
      const command = new HeadObjectCommand({
        Bucket: at.bucket,
        Key: keyOf(path),
        ...at.reading,
        ...(wanted === undefined ? {} : { VersionId: wanted }),
      })
      const head = await telling(at, () => at.client.send(command), { absent: undefined })
      if (head === undefined) return undefined
      const version = versionOf(head.VersionId)
      return { path, etag: plain(head.ETag), sizeBytes: head.ContentLength ?? 0, version }
    },
    list: ({ versions }) => (versions ? listedVersions(at) : listed(at)),
    read: async (path, version, from = 0) => {
      const command = new at.sdk.GetObjectCommand({
        Bucket: at.bucket,
        Key: keyOf(path),
        ...at.reading,
        ...(version === undefined ? {} : { VersionId: version }),
        ...(from === 0 ? {} : { Range: `bytes=${from}-` }),
      })
      const answer = await telling(at, () => at.client.send(command), { absent: undefined })
      return answer?.Body as Readable | undefined
    },
  }
}

async function listed(at: Bucket): Promise<BucketFile[]> {
  const Prefix = folderOf(at)
  const found: BucketFile[] = []
  for (let token: string | undefined; ;) {
    const command = new at.sdk.ListObjectsV2Command({
      Bucket: at.bucket,
      Prefix,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    })
    const page = await telling(at, () => at.client.send(command))
    for (const { Key, ETag, Size } of page.Contents ?? [])
      add(found, { key: Key, Prefix, ETag, Size, version: undefined })
    token = page.NextContinuationToken
    if (page.IsTruncated !== true || token === undefined) return found
  }
}

async function listedVersions(at: Bucket): Promise<BucketFile[]> {
  const Prefix = folderOf(at)
  const found: BucketFile[] = []
  for (let markers: { KeyMarker?: string; VersionIdMarker?: string } = {}; ;) {
    const command = new at.sdk.ListObjectVersionsCommand({ Bucket: at.bucket, Prefix, ...markers })
    const page = await telling(at, () => at.client.send(command))
    for (const { Key, ETag, Size, VersionId, IsLatest } of page.Versions ?? [])
      if (IsLatest === true)
        add(found, { key: Key, Prefix, ETag, Size, version: versionOf(VersionId) })
    const { NextKeyMarker, NextVersionIdMarker } = page
    if (page.IsTruncated !== true || NextKeyMarker === undefined) return found
    markers = {
      KeyMarker: NextKeyMarker,
      ...(NextVersionIdMarker === undefined ? {} : { VersionIdMarker: NextVersionIdMarker }),
    }
  }
}

function folderOf(at: Bucket): string {
  const key = at.keyOf('')
  return key === '' || key.endsWith('/') ? key : `${key}/`
}

function add(
  found: BucketFile[],
  one: {
    key: string | undefined
    Prefix: string
    ETag: string | undefined
    Size: number | undefined
    version: string | undefined
  },
): void {
  // A name that ends in a slash stands for a folder in consoles.
  if (one.key === undefined || one.key.endsWith('/')) return
  found.push({
    path: one.key.slice(one.Prefix.length),
    etag: plain(one.ETag),
    sizeBytes: one.Size ?? 0,
    version: one.version,
  })
}

function plain(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '')
}

/** What was put there before the bucket kept versions has none. */
function versionOf(id: string | undefined): string | undefined {
  return id === 'null' ? undefined : id
}
