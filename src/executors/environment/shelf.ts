import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { exclusively, type ProjectLock } from '#data'

/** Written last: a folder without it was not finished. */
export const RECORD = 'orrery-environment.json'

/** What is known of an environment since it was built. */
export interface Built {
  readonly digest: string
  readonly lock: string
  readonly python: string
  readonly blas?: string
  readonly kind: string
  readonly source?: string
  /** Digest of what must not change in it. */
  readonly contents: string
  readonly sizeBytes: number
  readonly builtMs: number
}

export interface Shelved extends Built {
  readonly key: string
  readonly usedMs: number
}

/** The environments of this machine, that were used last first. */
export function builtIn(folder: string): Shelved[] {
  return keysIn(folder)
    .flatMap((key) => shelvedAt(folder, key) ?? [])
    .toSorted((one, other) => other.usedMs - one.usedMs || (one.key < other.key ? -1 : 1))
}

function keysIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name)) : []
}

function shelvedAt(folder: string, key: string): Shelved | undefined {
  const file = join(folder, key, RECORD)
  try {
    const built = JSON.parse(readFileSync(file, 'utf8')) as Built
    return { ...built, key, usedMs: statSync(file).mtimeMs }
  } catch {
    // Not finished, or taken away while we looked.
    return undefined
  }
}

export interface Pruned {
  readonly key: string
  readonly sizeBytes: number
  /** Null for what a builder that was killed has left. */
  readonly usedMs: number | null
  /** Why it stays, though it could go. */
  readonly kept: string | null
}

/** Takes away, or tells which would go: what nobody has used since, and what was never finished. */
export async function prune(
  folder: string,
  how: {
    readonly unusedSinceMs: number
    readonly remove: boolean
    /** Fails at once where somebody builds. */
    readonly lockAt: (file: string) => ProjectLock
  },
): Promise<Pruned[]> {
  const pruned: Pruned[] = []
  for (const key of keysIn(folder)) {
    const shelved = shelvedAt(folder, key)
    if (shelved !== undefined && shelved.usedMs > how.unusedSinceMs) continue
    const place = join(folder, key)
    const about = {
      key,
      sizeBytes: shelved?.sizeBytes ?? bytesIn(place),
      usedMs: shelved?.usedMs ?? null,
    }
    const kept = isInUse(place) ? 'a process runs in it' : null
    pruned.push({ ...about, kept })
    if (kept !== null || !how.remove) continue
    await exclusively([how.lockAt(`${place}.lock`)], async () => {
      // Used again, or finished, while we waited.
      const now = shelvedAt(folder, key)
      if (now !== undefined && now.usedMs > how.unusedSinceMs) return
      // First what says that it is whole: should we be killed, nobody takes the rest for an environment.
      rmSync(join(place, RECORD), { force: true })
      rmSync(place, { recursive: true, force: true })
      rmSync(`${place}.wheels`, { recursive: true, force: true })
    })
  }
  return pruned
}

/** Whether a process of ours was started from it, or with it on its path. Where there is no /proc, nobody knows. */
function isInUse(place: string): boolean {
  let pids: string[]
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return false
  }
  return pids.some(
    (pid) => mentions(`/proc/${pid}/cmdline`, place) || mentions(`/proc/${pid}/environ`, place),
  )
}

function mentions(file: string, place: string): boolean {
  try {
    return readFileSync(file, 'utf8').includes(place)
  } catch {
    // It ended, or is somebody else's.
    return false
  }
}

/** What a folder takes of the disk. */
export function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    return sum + (entry.isDirectory() ? bytesIn(path) : lstatSync(path).size)
  }, 0)
}
