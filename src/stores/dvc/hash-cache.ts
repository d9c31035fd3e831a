import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from './atomic.ts'

/**
 * Hashes that were taken, by what the file system says of the file: as long as inode, both times and
 * size are the same, so are the bytes. Only a cache: it may be lost, and the last writer wins.
 */
export interface HashCache {
  /** What is remembered of one path: a single file under '', a folder's files under their paths in it. */
  of(path: string): PathHashes
  save(): void
}

export interface PathHashes {
  /** The hash of a file that still looks like this. */
  find(name: string, stats: Stats): string | undefined
  remember(name: string, stats: Stats, md5: string): void
  /** The hash of a folder's list, if exactly these files were in it when it was taken. */
  list(names: readonly string[]): { md5: string } | undefined
  rememberList(names: readonly string[], md5: string): void
}

/**
 * A file may change twice within one tick of the file system's clock and look the same after both.
 * Files younger than this are waited for before they are read.
 */
export const TICK_MS = 20

interface Kept {
  path: string
  files: Record<string, [look: string, md5: string]>
  list?: { names: string; md5: string }
}

export function openHashCache(folder: string): HashCache {
  const open = new Map<string, { kept: Kept; changed: boolean }>()
  const load = (path: string) => {
    const known = open.get(path)
    if (known !== undefined) return known
    const fresh = { kept: readKept(fileOf(folder, path), path), changed: false }
    open.set(path, fresh)
    return fresh
  }
  return {
    of: (path) => hashesOf(load(path)),
    save: () => {
      for (const [path, each] of open) {
        if (!each.changed) continue
        mkdirSync(folder, { recursive: true })
        writeWhole(fileOf(folder, path), JSON.stringify(each.kept))
        each.changed = false
      }
    },
  }
}

function hashesOf(each: { kept: Kept; changed: boolean }): PathHashes {
  const { kept } = each
  return {
    find: (name, stats) => {
      const entry = Object.hasOwn(kept.files, name) ? kept.files[name] : undefined
      return entry !== undefined && entry[0] === lookOf(stats) ? entry[1] : undefined
    },
    remember: (name, stats, md5) => {
      kept.files[name] = [lookOf(stats), md5]
      delete kept.list
      each.changed = true
    },
    list: (names) =>
      kept.list !== undefined && kept.list.names === namesDigest(names)
        ? { md5: kept.list.md5 }
        : undefined,
    rememberList: (names, md5) => {
      const wanted = new Set(names)
      for (const name of Object.keys(kept.files)) if (!wanted.has(name)) delete kept.files[name]
      kept.list = { names: namesDigest(names), md5 }
      each.changed = true
    },
  }
}

function lookOf(stats: Stats): string {
  return `${stats.ino} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.size}`
}

function namesDigest(names: readonly string[]): string {
  return createHash('sha256').update(names.join('\0')).digest('hex')
}

function fileOf(folder: string, path: string): string {
  const name = createHash('sha256').update(path).digest('hex').slice(0, 32)
  return join(folder, `${name}.json`)
}

function readKept(file: string, path: string): Kept {
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Kept
    if (kept.path === path)
      return { ...kept, files: Object.assign(Object.create(null), kept.files) }
  } catch {
    // Missing or torn: the hashes are taken anew.
  }
  return { path, files: Object.create(null) as Kept['files'] }
}
