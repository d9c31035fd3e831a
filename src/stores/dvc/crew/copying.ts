import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { digestOpen } from './digests.ts'
import { LOOK_NUMBERS, looksAs, noteLook } from './looking.ts'

/** An object that was checked when it was put here; DVC trusts those of this mode. */
export const TRUSTED = 0o444

/** From here on the file system's own way of copying is worth its start. */
const LARGE_BYTES = 4 << 20

export interface CopyOrder {
  readonly files: readonly FileToCopy[]
  /** How the sources looked when they were hashed; without it they are hashed as they pass. */
  readonly looks: Float64Array | undefined
  /** Each is on the disk before the next; otherwise who asks sees to that for all. */
  readonly sync: boolean
}

export interface FileToCopy {
  readonly from: string
  readonly to: string
  /** What its bytes have to be; undefined for objects of DVC 2, which do not say how they were hashed. */
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
  for (const [index, file] of order.files.entries()) {
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

function copyOne(
  order: CopyOrder,
  file: FileToCopy,
  index: number,
): number | 'other bytes' | 'changed' {
  const { looks } = order
  const size = looks?.[index * LOOK_NUMBERS + 3] ?? 0
  const isSmall = size < LARGE_BYTES && file.md5 !== undefined
  if (looks === undefined || isSmall) return copyHashing(order, file)
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
  const source = openSync(file.from, 'r')
  try {
    const copy = openSync(file.to, 'wx', TRUSTED)
    try {
      let size = 0
      const each = (bytes: Buffer) => {
        size += bytes.length
        writeAll(copy, bytes)
      }
      const md5 = digestOpen(source, { legacy: false, each, md5: file.md5 })
      if (file.md5 !== undefined && md5 !== file.md5) return 'other bytes'
      if (!grantsTrusted) fchmodSync(copy, TRUSTED)
      if (order.sync) fsyncSync(copy)
      return size
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
  readonly files: readonly FileToCopy[]
  readonly looks: Float64Array
}

export interface Linked extends Copied {
  /** How those that were linked look from now on. */
  readonly looks: Float64Array
  readonly isLinked: readonly boolean[]
}

/** Makes objects of files without copying: from now on the file is the object. */
export function linkFiles({ files, looks: before }: LinkOrder): Linked {
  const looks = Float64Array.from(before)
  const isLinked: boolean[] = []
  const faults: CopyFault[] = []
  for (const [index, { from, to }] of files.entries()) {
    isLinked[index] = false
    try {
      if (!looksAs(statSync(from), before, index)) {
        faults.push({ index, what: 'changed', message: '' })
        continue
      }
      linkSync(from, to)
      chmodSync(from, TRUSTED)
      isLinked[index] = true
    } catch (error) {
      // Somebody else has put it there: it will be linked to that one.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        faults.push({ index, what: 'failed', message: messageOf(error) })
    }
    noteLook(statSync(from), looks, index)
  }
  return { faults, looks, isLinked, sizeBytes: 0 }
}

export interface MoveOrder {
  readonly pairs: readonly (readonly [from: string, to: string])[]
}

export function moveFiles({ pairs }: MoveOrder): void {
  for (const [from, to] of pairs) renameSync(from, to)
}

function isMissing(error: unknown, path: string): boolean {
  const { code, path: at } = error as NodeJS.ErrnoException
  return code === 'ENOENT' && at === path
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
