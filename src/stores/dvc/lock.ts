import { spawn } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import type { ProjectLock } from '#data'
import { isRunning, processStarted } from './processes.ts'

/**
 * The lock of a DVC project, by which dvc and orrery keep out of each other's way: flock(2) on
 * `.dvc/tmp/lock`. Node has no flock, but the lock belongs to the open file and not to the process that
 * asked for it: the program `flock` takes it on a file that is ours, and it is gone when we are.
 */
export function openProjectLock(
  file: string,
  options: { waitSeconds: number; holder: string },
): ProjectLock {
  return {
    acquire: async () => {
      mkdirSync(dirname(file), { recursive: true })
      return (await byFlock(file, options)) ?? (await byOwner(`${file}.owner`, options))
    },
  }
}

const TAKEN = 73

/** Undefined where the machine has no program `flock`. */
async function byFlock(
  file: string,
  { waitSeconds, holder }: { waitSeconds: number; holder: string },
): Promise<(() => void) | undefined> {
  const descriptor = openSync(file, 'a+')
  const code = await new Promise<number | undefined>((resolve) => {
    const child = spawn('flock', ['-x', '-w', String(waitSeconds), '-E', String(TAKEN), '3'], {
      stdio: ['ignore', 'ignore', 'ignore', descriptor],
    })
    child.on('error', () => resolve(undefined))
    child.on('close', (status) => resolve(status ?? undefined))
  })
  if (code === 0) {
    ftruncateSync(descriptor)
    writeSync(descriptor, ` ${process.pid}\n`)
    return () => closeSync(descriptor)
  }
  closeSync(descriptor)
  if (code === TAKEN) throw busy(holder, waitSeconds)
  return undefined
}

/** Without flock: a file that names its owner, by pid and start time, so that a dead owner's lock is known as such. */
async function byOwner(
  file: string,
  { waitSeconds, holder }: { waitSeconds: number; holder: string },
): Promise<() => void> {
  const owner = `${process.pid} ${processStarted(process.pid) ?? ''}`
  for (let tries = 0; tries <= waitSeconds * 10; tries++) {
    try {
      const descriptor = openSync(file, 'wx')
      writeSync(descriptor, owner)
      closeSync(descriptor)
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (!isOwned(file)) rmSync(file, { force: true })
    else await sleep(100)
  }
  throw busy(holder, waitSeconds)
}

function isOwned(file: string): boolean {
  try {
    const [pid, ...started] = readFileSync(file, 'utf8').split(' ')
    return isRunning(Number(pid), started.join(' '))
  } catch {
    return false
  }
}

function busy(holder: string, waitSeconds: number): Problem {
  return new Problem(
    'unavailable',
    `${holder} has been working in this project for the last ${waitSeconds} s; wait for it, or end it, and try again`,
  )
}
