import { existsSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { messageOf, Problem } from '#base/problem'
import { filesIn, pathOf } from './files.ts'

/** The file that is written. */
export interface OpenFile {
  readonly number: number
  readonly descriptor: number
  /** Bytes of whole records. */
  size: number
  /** Whether half a record may lie behind them. */
  isTorn: boolean
  /** Bytes that are on the disk. */
  syncedBytes: number
  /** Callers that wait for the disk, by where their record ends. */
  waiting: { readonly end: number; resolve(): void; reject(error: unknown): void }[]
}

/** A new file behind all others; no two writers ever get the same. */
export function nextFile(folder: string, after: number): OpenFile {
  for (let number = Math.max(after, filesIn(folder).at(-1) ?? 0) + 1; ; number++)
    try {
      const descriptor = openSync(pathOf(folder, number), 'ax', 0o600)
      return { number, descriptor, size: 0, isTorn: false, syncedBytes: 0, waiting: [] }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
}

/**
 * Whether another writer has begun a file behind this one. Whoever reads the journal may be there already, so nothing
 * must be added here: a process that outlives its server for a moment would lose what it answers.
 */
export function isSucceeded(folder: string, { number }: OpenFile): boolean {
  return existsSync(pathOf(folder, number + 1))
}

/**
 * Writes records, which end at these places among the bytes, as far as the disk takes them; gives how many
 * bytes of whole records it took. Half a one is removed: behind it nothing could be read.
 */
export function writeRecords(
  file: OpenFile,
  bytes: Buffer,
  ends: readonly number[],
): { written: number; error?: unknown } {
  if (file.isTorn && !isCutBack(file))
    return { written: 0, error: new Error('half a record could not be removed') }
  const { taken, error } = writeBytes(file, bytes)
  const written = taken === bytes.length ? taken : (ends.findLast((end) => end <= taken) ?? 0)
  file.size += written
  file.isTorn = taken > written
  if (file.isTorn) isCutBack(file)
  return { written, error }
}

function writeBytes({ descriptor }: OpenFile, bytes: Buffer): { taken: number; error?: unknown } {
  let taken = 0
  try {
    while (taken < bytes.length) taken += writeSync(descriptor, bytes, taken)
    return { taken }
  } catch (error) {
    return { taken, error }
  }
}

/** Removes what lies behind the last whole record; false if that fails. */
export function isCutBack(file: OpenFile): boolean {
  try {
    ftruncateSync(file.descriptor, file.size)
    file.isTorn = false
    return true
  } catch {
    return false
  }
}

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** Why a prediction could not be kept. */
export function problemOf(folder: string, error: unknown): Problem {
  if (NO_SPACE.has((error as NodeJS.ErrnoException).code ?? ''))
    return new Problem(
      'full',
      `the disk of ${folder} is full, so the prediction could not be logged and is not given; free some space, then send it again`,
    )
  return new Problem(
    'unavailable',
    `the prediction could not be logged in ${folder} and is not given (${messageOf(error)}); send it again when the disk can be written`,
  )
}
