import { spawn } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeFolder } from '#base/disk'
import { Problem } from '#base/problem'
import type { ProjectLock } from '#data'
import { commandOf, isRunning, processStarted } from './processes.ts'

export interface Waiting {
  readonly waitSeconds: number
  /** How to call whoever has it, where the file does not say who that is. */
  readonly holder: string
  /** Told once, after the first second, for whom it is waited. */
  readonly onWait?: (holder: string) => void
}

/**
 * The lock of a DVC project, by which dvc and orrery keep out of each other's way: flock(2) on
 * `.dvc/tmp/lock`. Node has no flock, but the lock belongs to the open file and not to the process that
 * asked for it: the program `flock` takes it on a file that is ours, and it is gone when we are.
 */
export function openProjectLock(file: string, options: Waiting): ProjectLock {
  return {
    acquire: async () => {
      makeFolder(dirname(file))
      return (await byFlock(file, options)) ?? (await byOwner(`${file}.owner`, options))
    },
  }
}

const TAKEN = 73

/** Undefined where the machine has no program `flock`. */
async function byFlock(file: string, waiting: Waiting): Promise<(() => void) | undefined> {
  const { waitSeconds } = waiting
  const descriptor = openSync(file, 'a+')
  const first = Math.min(1, waitSeconds)
  let code = await flock(descriptor, first)
  if (code === TAKEN && waitSeconds > first) {
    waiting.onWait?.(holderOf(file, waiting))
    code = await flock(descriptor, waitSeconds - first)
  }
  if (code === 0) {
    ftruncateSync(descriptor)
    writeSync(descriptor, ` ${process.pid}\n`)
    return () => closeSync(descriptor)
  }
  closeSync(descriptor)
  if (code === TAKEN) throw busy(holderOf(file, waiting), waitSeconds)
  return undefined
}

function flock(descriptor: number, seconds: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const child = spawn('flock', ['-x', '-w', String(seconds), '-E', String(TAKEN), '3'], {
      stdio: ['ignore', 'ignore', 'ignore', descriptor],
    })
    child.on('error', () => resolve(undefined))
    child.on('close', (status) => resolve(status ?? undefined))
  })
}

/** Whoever takes the lock writes its process number into the file, dvc too. */
function holderOf(file: string, { holder }: Waiting): string {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
    return isRunning(pid, undefined) ? `${commandOf(pid) ?? holder} (process ${pid})` : holder
  } catch {
    return holder
  }
}

/** Without flock: a file that names its owner, by pid and start time, so that a dead owner's lock is known as such. */
async function byOwner(file: string, waiting: Waiting): Promise<() => void> {
  const { waitSeconds } = waiting
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
    if (tries === 10) waiting.onWait?.(holderOf(file, waiting))
    if (!isOwned(file)) rmSync(file, { force: true })
    else await sleep(100)
  }
  throw busy(holderOf(file, waiting), waitSeconds)
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
