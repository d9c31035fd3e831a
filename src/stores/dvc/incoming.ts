import { spawn } from 'node:child_process'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { makeFolder } from '#base/disk'
import { randomIds } from '#base/ids'
import { isRunning, processStarted } from './processes.ts'

/**
 * Objects on their way into a folder of them. Each is written beside its place, under a name that begins with a
 * dot and a token, since a rename within one folder waits for nobody else's; or in a folder of such a name, which
 * becomes one of objects as a whole. A folder tells of the process that does so; where that was killed, the next one
 * sweeps away what it left.
 */
export interface Incoming {
  /** For what has no place yet; it goes with all that is in it. */
  readonly folder: string
  /** What names of files and folders begin with that are not to be seen yet. */
  readonly mark: string
  remove(): void
}

export function openIncoming(objects: string): Incoming {
  const all = join(objects, 'orrery', 'incoming')
  sweep(objects, all)
  const token = randomIds.ulid()
  const started = processStarted(process.pid) ?? ''
  const folder = join(all, [HOST, process.pid, started, token].join('~'))
  makeFolder(folder)
  return {
    folder,
    mark: markOf(token),
    remove: () => {
      removeEmpty(folder)
      rmSync(folder, { recursive: true, force: true })
      for (const empty of [all, dirname(all)]) removeEmpty(empty)
    },
  }
}

/** Puts one object in its place, on the disk and whole; of a killed process nothing stays beside it. */
export function putWhole(
  objects: string,
  path: string,
  { content, mode }: { content: string | Uint8Array; mode: number },
): void {
  const incoming = openIncoming(objects)
  try {
    const temporary = join(incoming.folder, basename(path))
    writeFileSync(temporary, content, { mode, flush: true })
    mkdirSync(dirname(path), { recursive: true })
    renameSync(temporary, path)
  } finally {
    incoming.remove()
  }
}

const HOST = encodeURIComponent(hostname())

/** What a process of this machine left that is gone. Of other machines nobody knows. */
function sweep(objects: string, all: string): void {
  for (const name of namesIn(all)) {
    const [host = '', pid = '', started, token = ''] = name.split('~')
    if (host !== HOST || isRunning(Number(pid), started)) continue
    for (const folder of [...topsIn(objects), ...shelvesIn(objects)])
      for (const left of namesIn(folder))
        if (left.startsWith(markOf(token)))
          rmSync(join(folder, left), { recursive: true, force: true })
    rmSync(join(all, name), { recursive: true, force: true })
  }
}

function markOf(token: string): string {
  return `.${token}-`
}

function topsIn(objects: string): string[] {
  return [join(objects, 'files', 'md5'), objects]
}

function shelvesIn(objects: string): string[] {
  return topsIn(objects).flatMap((folder) =>
    namesIn(folder)
      .filter((name) => /^[0-9a-f]{2}$/.test(name))
      .map((name) => join(folder, name)),
  )
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // There is something in it: somebody else may be writing there.
  }
}

/**
 * Waits until all that was written to a file system is on its disk: one call for thousands of files, each of
 * which would take as long by itself. False where the machine has no program for it.
 */
export function syncFileSystem(folder: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('sync', ['-f', folder], { stdio: 'ignore' })
    child.on('error', () => resolve(false))
    child.on('close', (code) => resolve(code === 0))
  })
}

/** Waits until the names that were put into folders, or the bytes of files, are on the disk. */
export function syncEach(paths: Iterable<string>): void {
  for (const path of paths) {
    const file = openSync(path, 'r')
    try {
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  }
}
