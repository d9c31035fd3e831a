import { randomUUID } from 'node:crypto'
import { mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { ArtifactEntry, OutsideFile } from '#tracking'
import { readFile } from './read-file.ts'
import { writeFile } from './write-file.ts'

/** One address outside: a file or a folder, or nothing yet. */
export interface OutsidePlace {
  list(): Promise<ArtifactEntry[]>
  walk(): Promise<string[]>
  find(): Promise<OutsideFile | undefined>
  open(range?: { start: number; end?: number }): Promise<Readable>
  put(bytes: Readable | Buffer): Promise<void>
  presign(use: 'read' | 'write', expiresSeconds: number): Promise<string>
}

/** A path below `root`. A link that leads out of there is refused, whoever made it. */
export function outsideDisk(path: string, root: string): OutsidePlace {
  const outside = () =>
    new Problem(
      'unsupported',
      `${path} does not lie in the server's --default-artifact-root, so it is not read`,
    )
  if (!isBelow(path, root)) throw outside()
  /** The real path; undefined where there is nothing. */
  const real = async (of: string): Promise<string | undefined> => {
    const found = await realpath(of).catch(ignoreAbsent)
    const top = await realpath(root).catch(ignoreAbsent)
    if (found === undefined || top === undefined) return undefined
    if (!isBelow(found, top)) throw outside()
    return found
  }
  const statOf = async () => {
    const found = await real(path)
    return found === undefined ? undefined : stat(found)
  }
  return {
    list: async () => {
      const found = await statOf()
      if (found?.isDirectory() !== true) return []
      const entries = await readdir(path, { withFileTypes: true })
      const told = entries.map((entry) => entryOf(join(path, entry.name), entry.name))
      return (await Promise.all(told))
        .filter((entry) => entry !== undefined)
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    },
    walk: async () => {
      if ((await statOf())?.isDirectory() !== true) return []
      const entries = await readdir(path, { withFileTypes: true, recursive: true })
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(path, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
        .toSorted()
    },
    find: async () => {
      const found = await statOf()
      if (found?.isFile() !== true) return undefined
      return { sizeBytes: found.size, version: `${found.size}-${found.mtimeMs}` }
    },
    open: async (range) => {
      const found = await real(path)
      if (found === undefined) throw new Problem('not-found', `there is no file ${path}`)
      return readFile(found, range)
    },
    put: async (bytes) => {
      await mkdir(root, { recursive: true })
      // A link on the way would have folders made behind it.
      let above = dirname(path)
      while ((await real(above)) === undefined) above = dirname(above)
      await mkdir(dirname(path), { recursive: true })
      const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`)
      try {
        await writeFile(bytes, temporary)
        await rename(temporary, path)
      } finally {
        await rm(temporary, { force: true })
      }
    },
    presign: () => {
      throw new Problem(
        'unsupported',
        `Presigned transfers are not supported for ${path}: it is a folder, not a bucket; read and write it there`,
      )
    },
  }
}

/** Links are left out: what they lead to may lie anywhere. */
async function entryOf(path: string, name: string): Promise<ArtifactEntry | undefined> {
  const found = await stat(path).catch(ignoreAbsent)
  if (found?.isDirectory() === true) return { kind: 'folder', name }
  return found?.isFile() === true ? { kind: 'file', name, sizeBytes: found.size } : undefined
}

function isBelow(path: string, root: string): boolean {
  const from = relative(root, path)
  return from === '' || (from !== '..' && !from.startsWith(`..${sep}`))
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}
