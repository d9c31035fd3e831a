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
  type Stats,
} from 'node:fs'
import { checkedIn, isAsChecked, type CheckedList } from './checked.ts'
import { messageOf, writeAll } from './copying.ts'
import { digestOpen, readStart } from './digests.ts'
import { LOOK_NUMBERS, looksAs, noteLook } from './looking.ts'

export type LinkType = 'reflink' | 'copy' | 'hardlink' | 'symlink'

/** Texts of many files are one text, joined by NUL, since threads hand over few things fast. */
export interface PlaceOrder {
  readonly objects: string
  readonly targets: string
  /** For each a free name on the same disk; undefined where nothing is at the targets and nobody looks there yet. */
  readonly asides: string | undefined
  /** What the objects' bytes have to be; empty for those that cannot be checked. */
  readonly md5s: string
  /** Tried in this order; what does not work once is not tried again. */
  readonly types: readonly LinkType[]
  readonly executable: boolean
  /** Objects that need not be read to be linked, as long as they look as they do there. */
  readonly checked?: SharedArrayBuffer | undefined
  /** What was last written to before this looks otherwise after it is written to again. */
  readonly settledMs: number
  /** How the targets have to look still; others are left alone. */
  readonly before?: Float64Array | undefined
}

interface FileToPlace {
  readonly object: string
  readonly target: string
  readonly aside: string
  readonly md5: string | undefined
}

export interface Placed {
  readonly looks: Float64Array
  /** Those whose objects were read to be linked, and can be believed as long as they look like this. */
  readonly read: readonly number[]
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
export function placeFiles(order: PlaceOrder): Placed {
  const { executable, before } = order
  const checked = checkedIn(order.checked)
  const files = filesIn(order)
  const looks = new Float64Array(files.length * LOOK_NUMBERS)
  const faults: PlaceFault[] = []
  const read: number[] = []
  let left = order.types
  for (const [index, file] of files.entries()) {
    try {
      if (before !== undefined && !looksAs(statSync(file.target), before, index)) {
        faults.push({ index, what: 'changed', message: '' })
        continue
      }
      const used = placeOne(file, left, { executable, checked })
      if (used === undefined) faults.push({ index, what: 'damaged', message: '' })
      else {
        left = left.slice(left.indexOf(used.type))
        const now = used.now ?? statSync(file.target)
        noteLook(now, looks, index)
        if (used.read !== undefined && isAsRead(now, used.read, order.settledMs)) read.push(index)
      }
    } catch (error) {
      faults.push({ index, what: 'failed', message: messageOf(error) })
    }
  }
  return { looks, types: left, faults, read }
}

function isAsRead(now: Stats, read: Stats, settledMs: number): boolean {
  return now.mtimeMs < settledMs && now.mtimeMs === read.mtimeMs && now.size === read.size
}

function filesIn(order: PlaceOrder): FileToPlace[] {
  const [objects, targets, md5s] = [order.objects, order.targets, order.md5s].map((text) =>
    text.split('\0'),
  )
  const asides = order.asides?.split('\0') ?? targets
  return (objects ?? []).map((object, index) => ({
    object,
    target: targets?.[index] ?? '',
    aside: asides?.[index] ?? '',
    md5: md5s?.[index] || undefined,
  }))
}

/** A file in its place. */
interface PlacedFile {
  /** The way that worked. */
  readonly type: LinkType
  /** How it looks, where that is known. */
  readonly now?: Stats | undefined
  /** How it looked before its bytes were read and found right. */
  readonly read?: Stats | undefined
}

/** Undefined for an object that is damaged. */
function placeOne(
  file: FileToPlace,
  types: readonly LinkType[],
  { executable, checked }: { executable: boolean; checked: CheckedList },
): PlacedFile | undefined {
  for (const type of types) {
    try {
      if (type === 'hardlink' || type === 'symlink') return linked(file, type, checked)
      return copied(file, type, executable) ? { type } : undefined
    } catch (error) {
      rmSync(file.aside, { force: true })
      if (type === types.at(-1)) throw error
    }
  }
  return undefined
}

/** Few bytes are read, hashed and written in one pass. */
function copied(file: FileToPlace, type: LinkType, executable: boolean): boolean {
  const { object, aside, md5 } = file
  const source = openSync(object, 'r')
  let found: string
  try {
    const started = readStart(source)
    if (started > SMALL_BYTES) return cloned(file, type, executable)
    const copy = openSync(aside, 'wx', executable ? 0o766 : 0o666)
    try {
      const each = (bytes: Buffer) => writeAll(copy, bytes)
      found = digestOpen(source, { legacy: false, md5, started, each })
    } finally {
      closeSync(copy)
    }
  } finally {
    closeSync(source)
  }
  return settle(file, found)
}

function cloned(file: FileToPlace, type: LinkType, executable: boolean): boolean {
  const how = type === 'reflink' ? constants.COPYFILE_FICLONE_FORCE : 0
  copyFileSync(file.object, file.aside, how)
  const mode = (0o666 & ~process.umask()) | (executable ? 0o100 : 0)
  chmodSync(file.aside, mode)
  return settle(file, file.md5 === undefined ? undefined : digestAt(file.aside, file.md5))
}

/** What looks as it did when it was checked is not read again. */
function linked(
  file: FileToPlace,
  type: 'hardlink' | 'symlink',
  checked: CheckedList,
): PlacedFile | undefined {
  const { object, aside, target, md5 } = file
  // Renaming one name of a file over another would do nothing and leave both.
  if (type === 'hardlink' && aside !== target && isSameFile(file)) return { type }
  if (type === 'hardlink') linkSync(object, aside)
  else symlinkSync(object, aside)
  const stats = statSync(aside)
  if (md5 === undefined || isAsChecked(checked, md5, stats)) {
    settle(file, md5)
    return { type, now: aside === target ? stats : undefined }
  }
  return settle(file, digestAt(aside, md5)) ? { type, read: stats } : undefined
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
  if (aside !== target) renameSync(aside, target)
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
