import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Problem } from '#base/problem'
import { replaceFile } from './atomic.ts'
import { isRunning } from './processes.ts'

/**
 * Paths in use while a command runs, by which dvc knows to leave them alone: the JSON file
 * `.dvc/tmp/rwlock`. Whoever changes it has the project's lock `.dvc/tmp/lock`, dvc too: it asserts so. That
 * makes the file's own `rwlock.lock`, which would cost two processes a stage, no safer.
 */
export function openPathLocks(root: string, folder: string) {
  const file = join(folder, 'rwlock')
  const owner: Owner = { pid: process.pid, cmd: 'orrery repro' }
  const change = (work: (locks: Locks) => void) => {
    const locks = readLocks(file)
    work(locks)
    // To replace a file makes the file system write what replaces it at once; dvc takes none for one without locks.
    if (isEmpty(locks)) return rmSync(file, { force: true })
    mkdirSync(folder, { recursive: true })
    replaceFile(file, JSON.stringify(locks))
  }

  return async (paths: { read: readonly string[]; write: readonly string[] }) => {
    const read = paths.read.map((path) => resolve(root, path))
    const write = paths.write.map((path) => resolve(root, path))
    change((locks) => {
      checkFree(locks.write, [...read, ...write], owner)
      checkFree(locks.read, write, owner)
      for (const path of read) locks.read[path] = [...ownersOf(locks.read[path]), owner]
      for (const path of write) locks.write[path] = owner
    })
    return async () =>
      change((locks) => {
        for (const path of read) {
          const left = ownersOf(locks.read[path]).filter(({ pid }) => pid !== owner.pid)
          if (left.length > 0) locks.read[path] = left
          else delete locks.read[path]
        }
        for (const path of write)
          if (ownersOf(locks.write[path])[0]?.pid === owner.pid) delete locks.write[path]
      })
  }
}

interface Owner {
  readonly pid: number
  readonly cmd: string
}

interface Locks {
  read: Record<string, Owner[]>
  write: Record<string, Owner>
}

function isEmpty({ read, write }: Locks): boolean {
  return Object.keys(read).length + Object.keys(write).length === 0
}

function readLocks(file: string): Locks {
  try {
    const locks = JSON.parse(readFileSync(file, 'utf8')) as Partial<Locks>
    return { read: locks.read ?? {}, write: locks.write ?? {} }
  } catch {
    // Missing, or torn by a crash: those who held it are gone with it.
    return { read: {}, write: {} }
  }
}

function ownersOf(owners: Owner[] | Owner | undefined): Owner[] {
  return owners === undefined ? [] : Array.isArray(owners) ? owners : [owners]
}

/** Forgets owners that are gone; throws when one that overlaps is still at work. */
function checkFree(
  locks: Record<string, Owner[]> | Record<string, Owner>,
  wanted: readonly string[],
  self: Owner,
): void {
  for (const [path, owners] of Object.entries(locks) as [string, Owner[] | Owner][]) {
    const busy = ownersOf(owners).filter(({ pid }) => pid !== self.pid && isRunning(pid, undefined))
    if (busy.length === 0) {
      if (!ownersOf(owners).some(({ pid }) => pid === self.pid)) delete locks[path]
      continue
    }
    const blocked = wanted.find((each) => isInside(each, path) || isInside(path, each))
    const owner = busy[0]
    if (blocked !== undefined && owner !== undefined)
      throw new Problem(
        'unavailable',
        `${blocked} is in use by \`${owner.cmd}\` (process ${owner.pid}); wait until that has ended`,
      )
  }
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}
