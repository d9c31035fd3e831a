import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { ListedObject, ObjectStore, StoredObject } from '#objects'
import { Problem } from '#base/problem'

const DIGEST = /^[0-9a-f]{64}$/
/** As many as an S3 server lists at once. */
const LISTED_MAX = 1000

/**
 * Objects as read-only files `<root>/<2 hex>/<62 hex>`. Bytes go to a temporary file that is synced and
 * then renamed, so an object is there whole or not at all.
 */
export async function openLocalObjects(root: string): Promise<ObjectStore> {
  const incoming = join(root, 'incoming')
  // What an earlier process left half-written was never acknowledged.
  await rm(incoming, { recursive: true, force: true })
  await mkdir(incoming, { recursive: true })

  const pathOf = (digest: string) => join(root, digest.slice(0, 2), digest.slice(2))
  const find = async (digest: string): Promise<StoredObject | undefined> => {
    if (!DIGEST.test(digest)) return undefined
    const found = await stat(pathOf(digest)).catch(ignoreAbsent)
    return found === undefined ? undefined : { digest, sizeBytes: found.size }
  }
  const get = async (digest: string) => {
    const found = await find(digest)
    if (found === undefined) throw new Problem('not-found', `there is no object ${digest}`)
    return found
  }

  return {
    find,
    put: async (bytes, expected) => {
      const temporary = join(incoming, randomUUID())
      try {
        const stored = await write(bytes, temporary)
        if (expected !== undefined && stored.digest !== expected)
          throw new Problem(
            'invalid',
            `the bytes have the digest ${stored.digest}, not ${expected}; send them again`,
          )
        const target = pathOf(stored.digest)
        const made = await mkdir(dirname(target), { recursive: true })
        await rename(temporary, target)
        await syncFolder(dirname(target))
        // A folder is durable with the name by which its parent knows it.
        if (made !== undefined) await syncFolder(root)
        return stored
      } finally {
        await rm(temporary, { force: true })
      }
    },
    open: async (digest, range) => {
      await get(digest)
      return createReadStream(pathOf(digest), range)
    },
    place: async (digest, path) => {
      await get(digest)
      await mkdir(dirname(path), { recursive: true })
      await unlink(path).catch(ignoreAbsent)
      // A second name for the same file costs nothing; across file systems it has to be a copy.
      await link(pathOf(digest), path).catch(() => copyFile(pathOf(digest), path))
    },
    list: (after = '', limit = LISTED_MAX) => list(root, after, limit),
    remove: async (digest) => {
      if (DIGEST.test(digest)) await unlink(pathOf(digest)).catch(ignoreAbsent)
    },
  }
}

async function list(root: string, after: string, limit: number): Promise<ListedObject[]> {
  const objects: ListedObject[] = []
  for (const folder of (await readdir(root)).toSorted()) {
    if (!/^[0-9a-f]{2}$/.test(folder) || folder < after.slice(0, 2)) continue
    for (const name of (await readdir(join(root, folder))).toSorted()) {
      const digest = folder + name
      if (!DIGEST.test(digest) || digest <= after) continue
      const found = await stat(join(root, folder, name)).catch(ignoreAbsent)
      if (found === undefined) continue
      objects.push({ digest, sizeBytes: found.size, modifiedMs: found.mtimeMs })
      if (objects.length === limit) return objects
    }
  }
  return objects
}

async function write(bytes: Readable | Buffer, path: string): Promise<StoredObject> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const file = await open(path, 'wx', 0o444)
  try {
    for await (const chunk of Buffer.isBuffer(bytes) ? [bytes] : bytes) {
      hash.update(chunk as Buffer)
      sizeBytes += (chunk as Buffer).length
      await file.appendFile(chunk as Buffer)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { digest: hash.digest('hex'), sizeBytes }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
