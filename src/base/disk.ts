import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Problem, type ProblemCode } from './problem.ts'

/** What a disk refuses to whoever is in the right, by the system's words for it. */
const REFUSALS: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  EROFS: ['forbidden', 'cannot be written to: its file system is read-only'],
  EACCES: ['forbidden', 'is not open to this user; see to its rights'],
  EPERM: ['forbidden', 'is not open to this user; see to its rights'],
  ENOSPC: ['full', 'has no room: the disk is full; free some, and run it again'],
  EDQUOT: ['full', 'has no room: the quota of this user is used up; free some, and run it again'],
  EFBIG: ['full', 'would be larger than a file may be here; see `ulimit -f`'],
  EMFILE: ['limit', 'cannot be opened: too many files are open; see `ulimit -n`'],
  EIO: ['unavailable', 'cannot be read or written: the disk has a fault'],
}

/** What a disk refused, as a problem; undefined for all other failures. */
export function diskProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, path, dest } = error as NodeJS.ErrnoException & { dest?: string }
  const [kind, why] = REFUSALS[code ?? ''] ?? []
  if (kind === undefined) return undefined
  // Where one file becomes another, it is the new one that finds no room.
  const place = kind === 'full' || code === 'EROFS' ? (dest ?? path) : path
  return new Problem(kind, `${place ?? 'a file'} ${why} (${code})`)
}

/** Makes a folder with those above it. The library's own calls a read-only file system a folder that is not there. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    let first = path
    while (!existsSync(dirname(first))) first = dirname(first)
    mkdirSync(first)
    throw error
  }
}
