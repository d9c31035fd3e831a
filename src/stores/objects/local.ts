import { randomUUID } from 'node:crypto'
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, Problem } from '#base/problem'
import type { ListedObject, ObjectStore, StoredObject } from '#objects'
import { assertExpected, isDigest, LISTED_MAX } from './object.ts'
import { readFile } from './read-file.ts'
import { writeFile } from './write-file.ts'

/** Longer than any upload rests without a byte. */
const LEFT_BEHIND_MS = 24 * 60 * 60 * 1000

/**
 * Objects as read-only files `<root>/<2 hex>/<62 hex>`. Bytes go to a temporary file that is synced and
 * then renamed, so an object is there whole or not at all. With `alone`, no other process keeps objects there.
 */
export async function openLocalObjects(
  root: string,
  { alone = true, nowMs = 0 }: { alone?: boolean; nowMs?: number } = {},
): Promise<ObjectStore> {
  const incoming = join(root, 'incoming')
  await madeFolder(incoming)
  await removeLeftovers(incoming, alone ? Number.POSITIVE_INFINITY : nowMs - LEFT_BEHIND_MS)

  const pathOf = (digest: string) => join(root, digest.slice(0, 2), digest.slice(2))
  const find = async (digest: string): Promise<StoredObject | undefined> => {
    if (!isDigest(digest)) return undefined
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
        const stored = await writeFile(bytes, temporary)
        assertExpected(stored.digest, expected)
        const target = pathOf(stored.digest)
        const made = await mkdir(dirname(target), { recursive: true })
        await rename(temporary, target)
        await syncFolder(dirname(target))
        // A folder is durable with the name by which its parent knows it.
        if (made !== undefined) await syncFolder(root)
        return stored
      } catch (error) {
        throw fullDisk(error, root)
      } finally {
        await rm(temporary, { force: true })
      }
    },
    open: async (digest, range) => {
      await get(digest)
      return readFile(pathOf(digest), range)
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
      if (isDigest(digest)) await unlink(pathOf(digest)).catch(ignoreAbsent)
    },
  }
}

async function madeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    throw new Problem(
      'invalid',
      `the folder ${dirname(path)} cannot keep objects (${messageOf(error)}); choose another --artifacts-destination`,
    )
  }
}

/** What an earlier process left half-written was never acknowledged. */
async function removeLeftovers(incoming: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name)
    const found = await stat(path).catch(ignoreAbsent)
    if (found !== undefined && found.mtimeMs < beforeMs) await rm(path, { force: true })
  }
}

async function list(root: string, after: string, limit: number): Promise<ListedObject[]> {
  const objects: ListedObject[] = []
  for (const folder of (await readdir(root)).toSorted()) {
    if (!/^[0-9a-f]{2}$/.test(folder) || folder < after.slice(0, 2)) continue
    for (const name of (await readdir(join(root, folder))).toSorted()) {
      const digest = folder + name
      if (!isDigest(digest) || digest <= after) continue
      const found = await stat(join(root, folder, name)).catch(ignoreAbsent)
      if (found === undefined) continue
      objects.push({ digest, sizeBytes: found.size, modifiedMs: found.mtimeMs })
      if (objects.length === limit) return objects
    }
  }
  return objects
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** No space, no quota left, or a file larger than allowed: all mean that nothing more fits here. */
function fullDisk(error: unknown, root: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
  if (!['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)) return error
  return new Problem(
    'full',
    `there is no space left in ${root} (${code}), so nothing was kept; free some or move the objects to a larger disk, then send it again`,
  )
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
