import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs'

/**
 * How a file looks from outside: inode, both times and size. As long as these four are the same, so are
 * the bytes. The change time is one of them, since programs may set the other one back.
 */
export const LOOK_NUMBERS = 4

/**
 * A file may change twice within one tick of the file system's clock and look the same after both.
 * What is hashed younger than this is not remembered, or waited for where it is much.
 */
export const TICK_MS = 20

export interface FolderToList {
  /** Absolute. */
  readonly path: string
  /** What was in it when it was last seen: where in `known` that is. */
  readonly known: { readonly namesAt: number; readonly namesBytes: number } & KnownLooks
}

interface KnownLooks {
  readonly looksAt: number
  readonly count: number
}

export interface ListOrder {
  readonly folders: readonly FolderToList[]
  /** What was seen before, shared by all threads; undefined where nothing was. */
  readonly known: SharedArrayBuffer | undefined
  /** Only the rules that DVC has of itself hold: what they leave out is left out here. */
  readonly plain: boolean
}

export interface ListedFolder {
  readonly folders: readonly string[]
  /** Files in the order of the disk, joined by NUL; undefined where they are those that were known, in that order. */
  readonly names: Uint8Array | undefined
  /** Undefined where all look as they were known to. */
  readonly looks: Float64Array | undefined
  /** Where names are as known: which of them look otherwise. */
  readonly changed: readonly number[]
  readonly count: number
  readonly sizeBytes: number
  readonly faults: readonly NameFault[]
}

export interface NameFault {
  readonly name: string
  readonly what: 'rules' | 'not UTF-8' | 'link to nothing' | 'neither'
}

export function listFolders(order: ListOrder): ListedFolder[] {
  return order.folders.map((folder) => listed(folder, order))
}

function listed(folder: FolderToList, order: ListOrder): ListedFolder {
  const seen = filesIn(folder.path, order.plain)
  const { sizeBytes, faults, folders } = seen
  const count = seen.names.length
  const about = { folders, count, sizeBytes, faults }
  const names = Buffer.from(seen.names.join('\0'))
  const looks = Float64Array.from(seen.looks)
  if (order.known === undefined || !isNamedAlike(folder, order.known, names, count))
    return { ...about, names: new Uint8Array(names), looks, changed: [] }
  const changed = changedAmong(
    looks,
    new Float64Array(order.known, folder.known.looksAt, looks.length),
  )
  return { ...about, names: undefined, looks: changed.length === 0 ? undefined : looks, changed }
}

interface Seen {
  readonly names: string[]
  readonly looks: number[]
  readonly folders: string[]
  readonly faults: NameFault[]
  sizeBytes: number
}

function filesIn(folder: string, plain: boolean): Seen {
  const seen: Seen = { names: [], looks: [], folders: [], faults: [], sizeBytes: 0 }
  for (const name of readdirSync(folder)) {
    if (plain && name === '.git') continue
    if (name === '.dvcignore') seen.faults.push({ name, what: 'rules' })
    if (name.includes('\ufffd')) {
      seen.faults.push({ name, what: 'not UTF-8' })
      continue
    }
    const path = `${folder}/${name}`
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats?.isFile() === true) takeFile(seen, name, stats)
    else if (stats?.isDirectory() === true) {
      // Links to folders are passed over, as DVC does.
      if (lstatSync(path).isSymbolicLink()) continue
      if (!plain || (name !== '.dvc' && name !== '.hg')) seen.folders.push(name)
    } else seen.faults.push({ name, what: stats === undefined ? 'link to nothing' : 'neither' })
  }
  return seen
}

function takeFile(seen: Seen, name: string, stats: Stats): void {
  seen.names.push(name)
  seen.looks.push(stats.ino, stats.mtimeMs, stats.ctimeMs, stats.size)
  seen.sizeBytes += stats.size
}

function isNamedAlike(
  { known }: FolderToList,
  bytes: SharedArrayBuffer,
  names: Buffer,
  count: number,
): boolean {
  return (
    known.count === count &&
    known.namesBytes === names.length &&
    names.equals(new Uint8Array(bytes, known.namesAt, known.namesBytes))
  )
}

function changedAmong(looks: Float64Array, before: Float64Array): number[] {
  const changed: number[] = []
  for (let at = 0; at < looks.length; at += LOOK_NUMBERS)
    if (
      looks[at] !== before[at] ||
      looks[at + 1] !== before[at + 1] ||
      looks[at + 2] !== before[at + 2] ||
      looks[at + 3] !== before[at + 3]
    )
      changed.push(at / LOOK_NUMBERS)
  return changed
}

export function looksAs(stats: Stats, looks: Float64Array, index: number): boolean {
  return looksAsLinked(stats, looks, index) && stats.ctimeMs === looks[index * LOOK_NUMBERS + 2]
}

/** The change time aside, which a new link changes. */
export function looksAsLinked(stats: Stats, looks: Float64Array, index: number): boolean {
  const at = index * LOOK_NUMBERS
  return stats.ino === looks[at] && stats.mtimeMs === looks[at + 1] && stats.size === looks[at + 3]
}

/** Of all files that look so. */
export function sizeIn(looks: Float64Array): number {
  let sizeBytes = 0
  for (let at = 3; at < looks.length; at += LOOK_NUMBERS) sizeBytes += looks[at] ?? 0
  return sizeBytes
}

export function noteLook(stats: Stats, looks: Float64Array, index: number): void {
  looks.set([stats.ino, stats.mtimeMs, stats.ctimeMs, stats.size], index * LOOK_NUMBERS)
}

export function lookAmong(looks: Float64Array, index: number): Float64Array {
  return looks.subarray(index * LOOK_NUMBERS, (index + 1) * LOOK_NUMBERS)
}

/** Those of some of them. */
export function looksAt(looks: Float64Array, places: readonly number[]): Float64Array {
  const some = new Float64Array(places.length * LOOK_NUMBERS)
  for (const [at, index] of places.entries()) some.set(lookAmong(looks, index), at * LOOK_NUMBERS)
  return some
}
