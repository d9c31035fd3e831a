import { spawn } from 'node:child_process'
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { randomIds } from '#base/ids'
import { isRunning, processStarted } from './processes.ts'

/**
 * Where objects are written before they get their names, beside the folder of them: what a killed process
 * leaves is in nobody's way there, and the next one sweeps it.
 */
export interface Incoming {
  readonly folder: string
  remove(): void
}

export function openIncoming(objects: string): Incoming {
  const all = join(objects, 'orrery', 'incoming')
  sweep(all)
  const started = processStarted(process.pid) ?? ''
  const folder = join(
    all,
    [encodeURIComponent(hostname()), process.pid, started, randomIds.ulid()].join('~'),
  )
  mkdirSync(folder, { recursive: true })
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true })
      for (const empty of [all, dirname(all)]) removeEmpty(empty)
    },
  }
}

/** What a process of this machine left that is gone. Of other machines nobody knows. */
function sweep(all: string): void {
  for (const name of namesIn(all)) {
    const [host = '', pid = '', started] = name.split('~')
    if (host === encodeURIComponent(hostname()) && !isRunning(Number(pid), started))
      rmSync(join(all, name), { recursive: true, force: true })
  }
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
    // Somebody else is writing there.
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
