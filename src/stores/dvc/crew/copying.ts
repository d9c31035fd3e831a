import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { digestOpen, passOpen } from './digests.ts'
import { lookAmong, LOOK_NUMBERS, looksAs, looksAsLinked, noteLook } from './looking.ts'

/** An object that was checked when it was put here; DVC trusts those of this mode. */
export const TRUSTED = 0o444

/** From here on the file system's own way of copying is worth its start. */
export const LARGE_BYTES = 4 << 20

export interface CopyOrder {
  readonly loads: readonly Load[]
  /** How the sources looked when they were hashed; without it they are hashed as they pass. */
  readonly looks: Float64Array | undefined
  /** What was last written to before this looks otherwise if anybody has written to it since it was hashed. */
  readonly settledMs?: number | undefined
  /** Each is on the disk before the next; otherwise who asks sees to that for all. */
  readonly sync: boolean
}

/** Files that become objects of one folder. Texts of many are one text, since threads hand over few things fast. */
export interface Load {
  /** What the names of these objects begin with. */
  readonly prefix: string
  /** The rests of their names, joined by NUL. */
  readonly rests: string
  /** The paths of the files, joined by NUL. */
  readonly sources: string
  /** Where they are put. */
  readonly folder: string
  /** What they are called there until they may be seen, before their number; undefined where nobody looks yet. */
  readonly aside: string | undefined
  /** Objects of DVC 2 do not say how they were hashed. */
  readonly legacy: boolean
}

interface FileToCopy {
  readonly from: string
  readonly to: string
  /** What its bytes have to be; undefined where that is not known. */
  readonly md5: string | undefined
}

export interface Copied {
  readonly faults: readonly CopyFault[]
  readonly sizeBytes: number
}

export interface CopyFault {
  readonly index: number
  readonly what: 'missing' | 'other bytes' | 'changed' | 'failed'
  readonly message: string
}

/** Copies files to places where nothing is yet, read-only, and only those whose bytes have their name. */
export function copyFiles(order: CopyOrder): Copied {
  const faults: CopyFault[] = []
  let sizeBytes = 0
  let index = -1
  for (const load of order.loads)
    for (const file of filesIn(load)) {
      index++
      try {
        const copied = copyOne(order, file, index)
        if (typeof copied === 'number') sizeBytes += copied
        else {
          faults.push({ index, what: copied, message: '' })
          rmSync(file.to, { force: true })
        }
      } catch (error) {
        rmSync(file.to, { force: true })
        faults.push({
          index,
          what: isMissing(error, file.from) ? 'missing' : 'failed',
          message: messageOf(error),
        })
      }
    }
  return { faults, sizeBytes }
}

function* filesIn(load: Load): Iterable<FileToCopy> {
  const sources = load.sources.split('\0')
  for (const [index, rest] of load.rests.split('\0').entries())
    yield {
      from: sources[index] ?? '',
      to: placeIn(load, index, rest),
      md5: load.legacy ? undefined : load.prefix + rest.slice(0, 30),
    }
}

function placeIn({ folder, aside }: Pick<Load, 'folder' | 'aside'>, index: number, rest: string) {
  return aside === undefined ? `${folder}/${rest}` : `${folder}/${aside}${index}`
}

function copyOne(
  order: CopyOrder,
  file: FileToCopy,
  index: number,
): number | 'other bytes' | 'changed' {
  const { looks, settledMs = 0 } = order
  if (looks === undefined) return copyHashing(order, file)
  const [, , ctimeMs = Infinity, size = 0] = lookAmong(looks, index)
  if (size < LARGE_BYTES && file.md5 !== undefined)
    return ctimeMs < settledMs
      ? copyAsHashed(order, file, { looks, index })
      : copyHashing(order, file)
  // To hash it again would take longer than to copy it.
  copyFileSync(file.from, file.to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
  // The source may be read-only, and nobody could open it to sync it then on some file systems.
  chmodSync(file.to, 0o644)
  const copy = openSync(file.to, 'r+')
  try {
    if (order.sync) fsyncSync(copy)
    fchmodSync(copy, TRUSTED)
  } finally {
    closeSync(copy)
  }
  return looksAs(statSync(file.from), looks, index) ? size : 'changed'
}

function copyHashing(order: CopyOrder, file: FileToCopy): number | 'other bytes' {
  let size = 0
  return copySmall(order, file, (source, write) => {
    const each = (bytes: Buffer) => {
      size += bytes.length
      write(bytes)
    }
    const md5 = digestOpen(source, { legacy: false, each, md5: file.md5 })
    return file.md5 !== undefined && md5 !== file.md5 ? 'other bytes' : size
  })
}

/** Of a file that cannot have changed since it was hashed if it looks the same: it is not hashed again. */
function copyAsHashed(
  order: CopyOrder,
  file: FileToCopy,
  { looks, index }: { looks: Float64Array; index: number },
): number | 'changed' {
  const size = looks[index * LOOK_NUMBERS + 3] ?? 0
  return copySmall(order, file, (source, write) => {
    passOpen(source, size, write)
    return looksAs(fstatSync(source), looks, index) ? size : 'changed'
  })
}

/** Makes a copy of what `pass` writes, which it gives the size of, or says what is wrong. */
function copySmall<Fault extends string>(
  order: CopyOrder,
  file: FileToCopy,
  pass: (source: number, write: (bytes: Buffer) => void) => number | Fault,
): number | Fault {
  const source = openSync(file.from, 'r')
  try {
    const copy = openSync(file.to, 'wx', TRUSTED)
    try {
      const done = pass(source, (bytes) => writeAll(copy, bytes))
      if (typeof done !== 'number') return done
      if (!grantsTrusted) fchmodSync(copy, TRUSTED)
      if (order.sync) fsyncSync(copy)
      return done
    } finally {
      closeSync(copy)
    }
  } finally {
    closeSync(source)
  }
}

export function writeAll(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
}

/** Whether a new file gets the mode that is asked for, which the process's mask may take from. */
const grantsTrusted = (TRUSTED & ~process.umask()) === TRUSTED

export interface LinkOrder {
  /** The paths of the files, joined by NUL. */
  readonly sources: string
  /** The paths of the objects, joined by NUL. */
  readonly objects: string
  readonly looks: Float64Array
}

export interface Linked extends Copied {
  /** How those that were linked look from now on. */
  readonly looks: Float64Array
  readonly isLinked: readonly boolean[]
}

/** Makes objects of files without copying: from now on the file is the object. */
export function linkFiles({ sources, objects, looks: before }: LinkOrder): Linked {
  const looks = Float64Array.from(before)
  const isLinked: boolean[] = []
  const faults: CopyFault[] = []
  const places = objects.split('\0')
  for (const [index, from] of sources.split('\0').entries()) {
    isLinked[index] = false
    try {
      isLinked[index] = linkOne(from, places[index] ?? '', { before, index })
      if (!isLinked[index]) faults.push({ index, what: 'changed', message: '' })
    } catch (error) {
      // Somebody else has put it there: it will be linked to that one.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        faults.push({ index, what: 'failed', message: messageOf(error) })
    }
    const now = statSync(from, { throwIfNoEntry: false })
    // One that was written to meanwhile is not what was hashed.
    if (now !== undefined && looksAsLinked(now, before, index)) noteLook(now, looks, index)
  }
  return { faults, looks, isLinked, sizeBytes: 0 }
}

/** False where the file is not the one that was hashed, or was written to since. */
function linkOne(
  from: string,
  to: string,
  { before, index }: { before: Float64Array; index: number },
): boolean {
  if (!looksAs(statSync(from), before, index)) return false
  linkSync(from, to)
  // A file that has just come to this path would be an object under another's name. Until this is known the object
  // is not read-only, so that whoever meets it hashes it.
  const linked = lstatSync(to)
  if (!looksAsLinked(linked, before, index)) {
    rmSync(to, { force: true })
    if (linked.isSymbolicLink()) throw new Error(`${from} is a link itself`)
    return false
  }
  chmodSync(to, TRUSTED)
  return true
}

export interface MoveOrder {
  readonly loads: readonly LoadToMove[]
}

/** Copies that are to get the names of objects. */
export interface LoadToMove extends Pick<Load, 'rests' | 'folder' | 'aside'> {
  readonly home: string
  /** Numbers of those that could not be copied. */
  readonly without: readonly number[]
}

export function moveFiles({ loads }: MoveOrder): void {
  for (const load of loads) {
    const without = new Set(load.without)
    for (const [index, rest] of load.rests.split('\0').entries())
      if (!without.has(index)) renameSync(placeIn(load, index, rest), `${load.home}/${rest}`)
  }
}

function isMissing(error: unknown, path: string): boolean {
  const { code, path: at } = error as NodeJS.ErrnoException
  return code === 'ENOENT' && at === path
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
