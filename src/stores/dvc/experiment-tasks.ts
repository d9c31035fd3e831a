import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { removeHalves, replaceFile, writeWhole } from './atomic.ts'
import { isRunning, processStarted } from './processes.ts'

/** An experiment that a worker took on: kept after it ended, until it is removed. */
export interface Task {
  /** The commit by which it waited. */
  readonly stash: string
  readonly baseline: string
  readonly head: string
  readonly name: string
  readonly status: 'running' | 'success' | 'failed' | 'killed'
  readonly queuedAtMs: number
  readonly startedAtMs: number
  readonly endedAtMs?: number
  /** Why it did not succeed. */
  readonly reason?: string
  /** The commit that came of it. */
  readonly commit?: string
  /** The process that works on it, and when that started. */
  readonly pid: number
  readonly started: string
}

export type Tasks = ReturnType<typeof openTasks>

/** The tasks of a project, each with what it printed, in a folder of its own. */
export function openTasks(folder: string) {
  const at = (stash: string) => join(folder, stash.replaceAll(/[^0-9a-f]/g, ''))
  const read = (stash: string): Task | undefined => {
    try {
      return JSON.parse(readFileSync(join(at(stash), 'task.json'), 'utf8')) as Task
    } catch {
      return undefined
    }
  }
  return {
    read,
    /** The oldest first. */
    all: (): Task[] =>
      namesIn(folder)
        .map(read)
        .filter((task) => task !== undefined)
        .toSorted((one, other) => one.startedAtMs - other.startedAtMs),
    save: (task: Task): void =>
      writeWhole(join(at(task.stash), 'task.json'), `${JSON.stringify(task)}\n`),
    remove: (stash: string): void => rmSync(at(stash), { recursive: true, force: true }),
    /** Where what it prints is kept. */
    log: (stash: string): string => join(at(stash), 'log.txt'),
    work: (stash: string): string => join(at(stash), 'tree'),
    askToStop: (stash: string): void => {
      mkdirSync(at(stash), { recursive: true })
      writeFileSync(join(at(stash), 'stop'), '')
    },
    isAskedToStop: (stash: string): boolean => existsSync(join(at(stash), 'stop')),
    isAlive: ({ pid, started }: Pick<Task, 'pid' | 'started'>): boolean => isRunning(pid, started),
    own: (): { pid: number; started: string } => ({
      pid: process.pid,
      started: processStarted(process.pid) ?? '',
    }),
  }
}

export interface Worker {
  readonly pid: number
  readonly started: string
}

/** The processes that work on what waits, and the word that tells them to end. */
export function openWorkers(folder: string) {
  const fileOf = (pid: number) => join(folder, `${pid}.json`)
  const all = (): Worker[] =>
    namesIn(folder).flatMap((name) => {
      try {
        const worker = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Worker
        if (isRunning(worker.pid, worker.started)) return [worker]
      } catch {
        // Half of a file, of a process that was killed.
      }
      rmSync(join(folder, name), { force: true })
      return []
    })
  return {
    all: () => all().filter(({ pid }) => pid > 0),
    enter: (): (() => void) => {
      const own = { pid: process.pid, started: processStarted(process.pid) ?? '' }
      writeWhole(fileOf(own.pid), JSON.stringify(own))
      return () => rmSync(fileOf(own.pid), { force: true })
    },
    askToStop: (): void => {
      mkdirSync(dirname(folder), { recursive: true })
      writeFileSync(`${folder}.stop`, '')
    },
    /** Whether somebody asked after that moment. */
    isAskedToStop: (sinceMs: number): boolean =>
      (statSync(`${folder}.stop`, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= sinceMs,
  }
}

/** The folder in which DVC's queue finds what waits. */
export function openBroker(folder: string, stashOf: (text: string) => string | undefined) {
  const inbox = join(folder, 'in')
  const find = (stash: string) =>
    namesIn(inbox).filter((name) => {
      try {
        return stashOf(readFileSync(join(inbox, name), 'utf8')) === stash
      } catch {
        return false
      }
    })
  return {
    put: (name: string, text: string): void => {
      mkdirSync(inbox, { recursive: true })
      replaceFile(join(inbox, name), text)
    },
    remove: (stash: string): void => {
      for (const name of find(stash)) rmSync(join(inbox, name), { force: true })
    },
  }
}

/** What an experiment in the workspace is about to change, so that it can be put back. */
export interface Before {
  readonly name: string
  readonly pid: number
  readonly started: string
  /** The bytes in base64; null where there was no file. */
  readonly files: Readonly<Record<string, string | null>>
  /** Outs that were not there. */
  readonly absent: readonly string[]
  /** MD5 of what the experiment itself made of those files: what else is found there, is somebody's work. */
  readonly made: Readonly<Record<string, readonly string[]>>
  /** Whether outs were taken from the cache, which the lock may not say yet. */
  readonly restores?: boolean
}

/** What is about to be written. */
export interface Coming {
  /** By path. */
  readonly texts?: ReadonlyMap<string, string>
  /** Out of the cache. */
  readonly outs?: readonly { readonly path: string; readonly md5: string }[]
}

/** The note of it, whole or not there. */
export function openBefore(file: string, root: string) {
  const read = (): Before | undefined => {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Before
    } catch {
      return undefined
    }
  }
  return {
    read,
    isAlive: ({ pid, started }: Before) => isRunning(pid, started),
    note: (what: { name: string; paths: readonly string[]; absent: readonly string[] }): void => {
      const files = what.paths.map((path) => [
        path,
        bytesAt(root, path)?.toString('base64') ?? null,
      ])
      writeWhole(
        file,
        JSON.stringify({
          name: what.name,
          pid: process.pid,
          started: processStarted(process.pid) ?? '',
          files: Object.fromEntries(files) as Before['files'],
          absent: what.absent,
          made: {},
        } satisfies Before),
      )
    },
    /** Remembers the files as they stand now, and as they are about to be, as the experiment's own. */
    noteMade: ({ texts, outs }: Coming = {}): void => {
      const before = read()
      if (before === undefined) return
      const coming = new Map(outs?.map(({ path, md5 }) => [path, md5]))
      for (const [path, text] of texts ?? []) coming.set(path, digestOf(Buffer.from(text)))
      const made = Object.keys(before.files).map((path) => {
        const own = [...(before.made[path] ?? []), digestOf(bytesAt(root, path))]
        return [path, [...new Set([...own, coming.get(path) ?? []].flat())]]
      })
      const restores = before.restores === true || outs !== undefined
      writeWhole(
        file,
        JSON.stringify({ ...before, made: Object.fromEntries(made) as Before['made'], restores }),
      )
    },
    /** Puts the files back that hold what the experiment made of them; gives those. */
    putBack: (before: Before, how: { always: boolean }): string[] => {
      const back: string[] = []
      for (const [path, old] of Object.entries(before.files)) {
        const now = bytesAt(root, path)
        const wanted = old === null ? undefined : Buffer.from(old, 'base64')
        if (digestOf(now) === digestOf(wanted)) continue
        if (!how.always && before.made[path]?.includes(digestOf(now)) !== true) continue
        if (wanted === undefined) rmSync(join(root, path), { force: true })
        else writeWhole(join(root, path), wanted)
        back.push(path)
      }
      return back
    },
    /** Removes what was written of those files when the process was killed. */
    clear: ({ files }: Before): void => {
      for (const path of Object.keys(files)) removeHalves(join(root, path))
    },
    forget: (): void => rmSync(file, { force: true }),
  }
}

function bytesAt(root: string, path: string): Buffer | undefined {
  try {
    return readFileSync(join(root, path))
  } catch {
    return undefined
  }
}

function digestOf(bytes: Buffer | undefined): string {
  return bytes === undefined ? '' : createHash('md5').update(bytes).digest('hex')
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : []
}
