import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Problem } from '#base/problem'
import type { OutsideAddress, OutsideFiles } from '#tracking'
import { outsideDisk, type OutsidePlace } from './outside-disk.ts'
import { outsideBucket } from './outside-s3.ts'
import { bucketIn, type S3 } from './s3-client.ts'

/**
 * Folders and buckets that clients fill by themselves. Buckets are read as far as the server's credentials go; of the
 * disk only what lies below `root`, since anybody may give an experiment any path.
 */
export function openOutsideFiles(options: { root: string; s3: () => Promise<S3> }): OutsideFiles {
  const readable = pathIn(options.root)
  const placeOf = async ({ root, path }: OutsideAddress): Promise<OutsidePlace> => {
    const at = bucketIn(root)
    if (at !== undefined) {
      const key = [at.prefix, path].filter(Boolean).join('/')
      return outsideBucket(await options.s3(), at.bucket, key)
    }
    const folder = pathIn(root)
    if (folder !== undefined && readable !== undefined)
      return outsideDisk(join(folder, path), readable)
    throw new Problem(
      'unsupported',
      folder === undefined
        ? `the files are kept at ${root}, which this server cannot read; it reads s3:// and its own`
        : `the files are kept at ${root} on a disk; the server reads only what lies in its --default-artifact-root`,
    )
  }
  return {
    list: async (at) => (await placeOf(at)).list(),
    walk: async (at) => (await placeOf(at)).walk(),
    find: async (at) => (await placeOf(at)).find(),
    open: async (at, range) => (await placeOf(at)).open(range),
    put: async (at, bytes) => (await placeOf(at)).put(bytes),
    presign: async (at, use, expiresSeconds) => (await placeOf(at)).presign(use, expiresSeconds),
  }
}

/** The path of this machine that an address means, if it means one. */
function pathIn(uri: string): string | undefined {
  if (uri.startsWith('/')) return resolve(uri)
  if (!/^file:\/(?:\/\/)?(?!\/)/.test(uri)) return undefined
  try {
    return fileURLToPath(uri)
  } catch {
    // Another machine's, or an encoded slash.
    return undefined
  }
}
