import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { messageOf, writeAll } from './copying.ts'
import { digestOpen } from './digests.ts'
import { LOOK_NUMBERS, looksAs, noteLook } from './looking.ts'

export type LinkType = 'reflink' | 'copy' | 'hardlink' | 'symlink'

export interface PlaceOrder {
  readonly files: readonly FileToPlace[]
  /** Tried in this order; what does not work once is not tried again. */
  readonly types: readonly LinkType[]
  readonly executable: boolean
  /** How the targets have to look still; others are left alone. */
  readonly before?: Float64Array | undefined
}

export interface FileToPlace {
  readonly object: string
  readonly target: string
  /** A free name beside the target. */
  readonly aside: string
  /** What the object's bytes have to be; undefined where they cannot be checked. */
  readonly md5: string | undefined
}

export interface Placed {
  readonly looks: Float64Array
  readonly types: readonly LinkType[]
  readonly faults: readonly PlaceFault[]
}

export interface PlaceFault {
  readonly index: number
  readonly what: 'damaged' | 'changed' | 'failed'
  readonly message: string
}

/** Up to this size reading and writing is cheaper than the file system's own ways of copying. */
const SMALL_BYTES = 1 << 18

/** Puts objects to places of the workspace. What is there is replaced at once and whole. */
export function placeFiles({ files, types, executable, before }: PlaceOrder): Placed {
  const looks = new Float64Array(files.length * LOOK_NUMBERS)
  const faults: PlaceFault[] = []
  let left = types
  for (const [index, file] of files.entries()) {
    try {
      if (before !== undefined && !looksAs(statSync(file.target), before, index)) {
        faults.push({ index, what: 'changed', message: '' })
        continue
      }
      const used = placeOne(file, left, executable)
      if (used === undefined) faults.push({ index, what: 'damaged', message: '' })
      else {
        left = left.slice(left.indexOf(used))
        noteLook(statSync(file.target), looks, index)
      }
    } catch (error) {
      faults.push({ index, what: 'failed', message: messageOf(error) })
    }
  }
  return { looks, types: left, faults }
}

/** The way that worked; undefined for an object that is damaged. */
function placeOne(
  file: FileToPlace,
  types: readonly LinkType[],
  executable: boolean,
): LinkType | undefined {
  for (const type of types) {
    try {
      const isCopy = type === 'copy' || type === 'reflink'
      if (isCopy && statSync(file.object).size <= SMALL_BYTES)
        return copied(file, executable) ? type : undefined
      return (isCopy ? cloned : linked)(file, type, executable) ? type : undefined
    } catch (error) {
      rmSync(file.aside, { force: true })
      if (type === types.at(-1)) throw error
    }
  }
  return undefined
}

/** Reads, hashes and writes in one pass. */
function copied({ object, target, aside, md5 }: FileToPlace, executable: boolean): boolean {
  const source = openSync(object, 'r')
  let found: string
  try {
    const copy = openSync(aside, 'wx', executable ? 0o766 : 0o666)
    try {
      found = digestOpen(source, { legacy: false, md5, each: (bytes) => writeAll(copy, bytes) })
    } finally {
      closeSync(copy)
    }
  } finally {
    closeSync(source)
  }
  return settle({ object, target, aside, md5 }, found)
}

function cloned(file: FileToPlace, type: LinkType, executable: boolean): boolean {
  const how = type === 'reflink' ? constants.COPYFILE_FICLONE_FORCE : 0
  copyFileSync(file.object, file.aside, how)
  const mode = (0o666 & ~process.umask()) | (executable ? 0o100 : 0)
  chmodSync(file.aside, mode)
  return settle(file, file.md5 === undefined ? undefined : digestAt(file.aside, file.md5))
}

function linked(file: FileToPlace, type: LinkType): boolean {
  // Renaming one name of a file over another would do nothing and leave both.
  if (type === 'hardlink' && isSameFile(file)) return true
  if (file.md5 !== undefined && digestAt(file.object, file.md5) !== file.md5) return false
  const link = type === 'hardlink' ? linkSync : symlinkSync
  try {
    // Nothing may be there, and then a link is whole from its first moment.
    link(file.object, file.target)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  link(file.object, file.aside)
  renameSync(file.aside, file.target)
  return true
}

function isSameFile({ object, target }: FileToPlace): boolean {
  const there = lstatSync(target, { throwIfNoEntry: false })
  if (there === undefined || there.nlink === 1) return false
  const wanted = statSync(object)
  return there.ino === wanted.ino && there.dev === wanted.dev
}

/** A damaged object must not reach the workspace unseen: DVC would hand it out and notice later. */
function settle({ target, aside, md5 }: FileToPlace, found: string | undefined): boolean {
  if (md5 !== undefined && found !== md5) {
    rmSync(aside, { force: true })
    return false
  }
  renameSync(aside, target)
  return true
}

function digestAt(path: string, md5?: string): string {
  const file = openSync(path, 'r')
  try {
    return digestOpen(file, { legacy: false, md5 })
  } finally {
    closeSync(file)
  }
}
