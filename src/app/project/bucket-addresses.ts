import { posix } from 'node:path'
import { Problem } from '#base/problem'
import type { Arrival, ImportIdentity, Moving, Offered } from '#data'
import { compareCodePoints } from '#protocols/dvc/python'
import { listedPathsFault } from '#protocols/dvc/safe-path'
import { listingSum } from '#protocols/dvc/tree'
import { takeStream, type ArrivalCache } from '#stores/dvc/arrivals'
import type { BucketFile, BucketFiles } from '#stores/dvc/remotes/s3-files'

/** So many files of a folder are taken at once. */
const AT_ONCE = 8

export interface BucketAddress {
  readonly url: string
  readonly options: ReadonlyMap<string, string>
  /** Name versions, of a bucket that keeps them. */
  readonly versions: boolean
  /** Takes these versions, whatever is there now. */
  readonly known?: ImportIdentity | undefined
}

/** A file or a folder of a bucket. Its identity is what the bucket says; bytes are looked at when they are taken. */
export async function inBucket(
  address: BucketAddress,
  { cache, moving }: { cache: ArrivalCache; moving: Moving },
): Promise<Offered> {
  const { bucketFiles } = await import('#stores/dvc/remotes/s3-files')
  const bucket = await bucketFiles(address.url, address.options)
  const { known } = address
  if (known?.version !== undefined)
    return fileOf({ ...address, bucket, cache, moving }, known, known.version)
  if (known?.files !== undefined)
    return folderOf({ ...address, bucket, cache, moving }, known.files.map(withVersion), known)
  const file = address.url.endsWith('/') ? undefined : await bucket.look('')
  if (file !== undefined) {
    // dvc names the version of a single file wherever there is one.
    const { etag, sizeBytes, version } = file
    const identity = { etag, sizeBytes, ...(version === undefined ? {} : { version }) }
    return fileOf({ ...address, bucket, cache, moving }, identity, version)
  }
  const files = await filesBelow(bucket, address)
  return folderOf({ ...address, bucket, cache, moving }, files, identityOf(files, address.versions))
}

/** In DVC's order, without names that would lie outside the folder. */
export async function filesBelow(
  bucket: BucketFiles,
  { url, versions }: { url: string; versions: boolean },
): Promise<BucketFile[]> {
  const files = await bucket.list({ versions })
  if (files.length === 0)
    throw new Problem('not-found', `there is nothing at ${bucket.where}; check the address`)
  const fault = listedPathsFault(files.map(({ path }) => path))
  if (fault !== undefined)
    throw new Problem('invalid', `${url} ${fault}; rename it in the bucket, and try again`)
  return files.toSorted((one, other) => compareCodePoints(one.path, other.path))
}

function withVersion(file: { path: string; etag: string; sizeBytes: number; version?: string }) {
  return { ...file, version: file.version }
}

function identityOf(files: readonly BucketFile[], versions: boolean): ImportIdentity {
  if (versions)
    return {
      files: files.map(({ version, ...rest }) => ({
        ...rest,
        ...(version === undefined ? {} : { version }),
      })),
    }
  const sizeBytes = files.reduce((sum, each) => sum + each.sizeBytes, 0)
  return { listing: { md5: listingSum(files), sizeBytes, files: files.length } }
}

type Ground = BucketAddress & {
  readonly bucket: BucketFiles
  readonly cache: ArrivalCache
  readonly moving: Moving
}

function fileOf(ground: Ground, identity: ImportIdentity, version: string | undefined): Offered {
  return {
    kind: 'file',
    identity: async () => identity,
    take: async () => {
      expectAll(ground.moving, [identity])
      return [await taken(ground, '', version)]
    },
  }
}

function folderOf(ground: Ground, files: readonly BucketFile[], identity: ImportIdentity): Offered {
  const take = async () => {
    const arrivals: Arrival[] = []
    expectAll(ground.moving, files)
    for (let from = 0; from < files.length; from += AT_ONCE)
      arrivals.push(
        ...(await Promise.all(
          files
            .slice(from, from + AT_ONCE)
            .map(({ path, version }) => taken(ground, path, version)),
        )),
      )
    return arrivals
  }
  return { kind: 'folder', identity: async () => identity, take }
}

function expectAll(moving: Moving, files: readonly { readonly sizeBytes?: number }[]): void {
  moving.onMore?.(files.length)
  for (const { sizeBytes } of files) if (sizeBytes !== undefined) moving.onSize?.(1, sizeBytes)
}

async function taken(
  { bucket, cache, url, moving }: Ground,
  path: string,
  version: string | undefined,
): Promise<Arrival> {
  const bytes = await bucket.read(path, version)
  if (bytes === undefined)
    throw new Problem(
      'not-found',
      `${posix.join(url.replace('s3://', ''), path)} is gone from the bucket${version === undefined ? '' : ` in its version ${version}`}`,
    )
  return { path, ...(await takeStream(cache, bytes, moving)) }
}
