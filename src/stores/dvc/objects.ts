import { hash } from 'node:crypto'
import { chmodSync, readFileSync, rmSync } from 'node:fs'
import { copyFile, constants, link, mkdir, rename, rm, chmod } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { digestFile } from '#base/digest'
import type { Cache, Content, ObjectName, TreeEntry } from '#data'
import { syncFile, temporaryBeside, writeWhole } from './atomic.ts'
import { FILES_A_TURN, statOf, type TreeFormat } from './measure.ts'

/**
 * A folder of objects as DVC keeps them: `files/md5/ab/cdef…`, and `ab/cdef…` for those of DVC 2.
 * The mode 0444 says that an object was checked when it was put there; any other is checked again.
 */
export interface ObjectFolder extends Cache {
  pathOf(object: ObjectName): string
  /** Puts a copy of a file here under a name that its bytes are known to have. */
  take(source: string, object: ObjectName, as?: 'copy' | 'hardlink'): Promise<void>
}

const TRUSTED = 0o444

export function openObjectFolder(options: {
  folder: string
  trees: TreeFormat
  /** Group members may add objects. */
  shared?: boolean
}): ObjectFolder {
  const { folder, trees } = options
  const folderMode = options.shared === true ? 0o2775 : 0o777
  const pathOf = (object: ObjectName) =>
    object.legacy
      ? join(folder, object.md5.slice(0, 2), object.md5.slice(2))
      : join(folder, 'files', 'md5', object.md5.slice(0, 2), object.md5.slice(2))
  const made = new Set<string>()
  const makeFolder = async (path: string) => {
    if (made.has(path)) return
    await mkdir(path, { recursive: true, mode: folderMode })
    made.add(path)
  }
  const isThere = (object: ObjectName) => isWhole(pathOf(object), object)

  return {
    pathOf,
    missing: async (objects) => {
      const missing: ObjectName[] = []
      for (const [index, object] of objects.entries()) {
        if (index % FILES_A_TURN === FILES_A_TURN - 1) await nextTurn()
        if (!(await isThere(object))) missing.push(object)
      }
      return missing
    },
    tree: async (content: Content) => {
      const object = { md5: content.md5, legacy: content.legacy ?? false }
      if (!(await isThere(object))) return undefined
      return trees.read(readFileSync(pathOf(object), 'utf8'))
    },
    keepTree: async (entries: readonly TreeEntry[]) => {
      const text = trees.print(entries)
      const md5 = `${hash('md5', text)}.dir`
      const path = pathOf({ md5, legacy: false })
      if (await isThere({ md5, legacy: false })) return md5
      await makeFolder(dirname(path))
      writeWhole(path, text)
      protect(path)
      return md5
    },
    take: async (source, object, as = 'copy') => {
      const path = pathOf(object)
      await makeFolder(dirname(path))
      const temporary = temporaryBeside(path)
      try {
        if (as === 'hardlink') await link(source, temporary)
        else {
          await copyFile(source, temporary, constants.COPYFILE_FICLONE)
          // The source may be read-only, and nobody could sync or rename it then on some file systems.
          await chmod(temporary, 0o644)
          await syncFile(temporary)
        }
        await chmod(temporary, TRUSTED)
        await rename(temporary, path)
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
    },
  }
}

/** Whether an object is there and has the bytes of its name. One that has not is removed, as DVC does. */
async function isWhole(path: string, object: ObjectName): Promise<boolean> {
  const stats = statOf(path)
  if (stats === undefined || !stats.isFile()) return false
  if ((stats.mode & 0o777) === TRUSTED) return true
  // DVC 2 hashed text in another way and did not say which; its objects are taken as they are.
  if (!object.legacy && (await digestFile(path, 'md5')) !== object.md5.replace(/\.dir$/, '')) {
    rmSync(path, { force: true })
    return false
  }
  protect(path)
  return true
}

function protect(path: string): void {
  try {
    chmodSync(path, TRUSTED)
  } catch {
    // Another owner's object in a shared cache, or a file system without modes: it is checked each time.
  }
}
