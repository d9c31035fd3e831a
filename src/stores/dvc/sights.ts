import type { Measured } from '#data'
import { LOOK_NUMBERS, looksAt } from './crew/looking.ts'
import { namesIn, type FolderSight, type Sight } from './hash-cache.ts'
import { parentOf, type Seen } from './measure.ts'

/** A file of what was measured: its path in the project, and its hash. */
export interface FileAt {
  readonly path: string
  readonly md5: string
}

export function filesOf(path: string, measured: Measured | undefined): FileAt[] {
  if (measured === undefined) return []
  if (measured.entries === undefined) return [{ path, md5: measured.content.md5 }]
  return measured.entries.map((entry) => ({ path: `${path}/${entry.path}`, md5: entry.md5 }))
}

/** How all files of a sight look, in the order in which they are told. */
export function looksIn(sight: Sight): Float64Array {
  const count = sight.folders.reduce((sum, folder) => sum + folder.count, 0)
  const looks = new Float64Array(count * LOOK_NUMBERS)
  let at = 0
  for (const folder of sight.folders) {
    looks.set(folder.looks, at)
    at += folder.looks.length
  }
  return looks
}

/** The folders of a sight with other looks. */
export function withLooks(sight: Sight, looks: Float64Array): FolderSight[] {
  let at = 0
  return sight.folders.map((folder) => {
    const own = looks.slice(at, at + folder.looks.length)
    at += folder.looks.length
    return { ...folder, looks: own }
  })
}

/** What a path holds after files were placed there: those look as placing them left them, the others as before. */
export function sightAfter(after: {
  path: string
  isFolder: boolean
  files: readonly FileAt[]
  /** How each of the files looks; NaN for those that were not placed. */
  looks: Float64Array
  kept: Seen | undefined
}): FolderSight[] {
  const { path, files, looks } = after
  const before = new Map(looksBefore(path, after.kept))
  const byFolder = new Map<string, number[]>()
  let last: { folder: string; indexes: number[] } | undefined
  for (const [index, file] of files.entries()) {
    if (Number.isNaN(looks[index * LOOK_NUMBERS])) {
      const look = before.get(file.path)
      if (look === undefined) continue
      looks.set(look, index * LOOK_NUMBERS)
    }
    const folder = after.isFolder ? parentOf(file.path) : ''
    if (last?.folder !== folder) {
      last = { folder, indexes: byFolder.get(folder) ?? [] }
      byFolder.set(folder, last.indexes)
    }
    last.indexes.push(index)
  }
  return [...byFolder].map(([folder, indexes]) => {
    const some = indexes.flatMap((index) => files[index] ?? [])
    const names = some.map((file) => (after.isFolder ? file.path.slice(folder.length + 1) : ''))
    return {
      path: folder.slice(path.length + 1),
      count: some.length,
      names: new Uint8Array(Buffer.from(names.join('\0'))),
      looks: looksAt(looks, indexes),
      digests: new Uint8Array(Buffer.from(some.map(({ md5 }) => md5).join(''), 'hex')),
    }
  })
}

function* looksBefore(path: string, seen: Seen | undefined): Iterable<[string, Float64Array]> {
  for (const folder of seen?.sight.folders ?? []) {
    const above = folder.path === '' ? path : `${path}/${folder.path}`
    for (const [index, name] of namesIn(folder).entries()) {
      const look = folder.looks.subarray(index * LOOK_NUMBERS, (index + 1) * LOOK_NUMBERS)
      yield [name === '' ? above : `${above}/${name}`, look]
    }
  }
}
