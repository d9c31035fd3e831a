import { existsSync, readdirSync, readFileSync } from 'node:fs'

/**
 * Ends every process whose environment has this very variable, whatever group or session it has gone to:
 * children inherit it. Where there is no /proc it ends none.
 */
export function endProcessesWith(name: string, value: string): void {
  // One that is being started while we look is found at the next look.
  for (let look = 0; look < LOOKS_MAX; look++) {
    const found = processesWith(`${name}=${value}`)
    if (found.length === 0) return
    for (const pid of found) kill(pid)
  }
}

/** Names of the processes that a command of this number left running, which began so long ago. */
export function leftBehindBy(command: number, beganMsAgo: number): string[] {
  const variable = `ORRERY_COMMAND=${command}`
  return startedAfter(command, beganMsAgo)
    .filter((pid) => environmentOf(pid).includes(variable))
    .filter((pid) => isAlive(pid) && !isWatcher(pid))
    .map(nameOf)
}

/** Within this time the kernel does not come to give all of its numbers again. */
const NUMBERS_LAST_MS = 1000
/** So few numbers are looked at one by one. */
const FEW_NUMBERS = 100

/**
 * Numbers of processes that may be younger than a command. To read the environment of every process costs more than a
 * short command does, so that of one that began just now only the numbers given since are looked at.
 */
function startedAfter(command: number, beganMsAgo: number): number[] {
  const last = beganMsAgo < NUMBERS_LAST_MS ? lastNumber() : undefined
  if (last === undefined) return numbered('/proc').filter((pid) => pid !== command)
  const given = last - command
  if (given >= 0 && given <= FEW_NUMBERS)
    return Array.from({ length: given }, (_, index) => command + 1 + index).filter((pid) =>
      existsSync(`/proc/${pid}`),
    )
  // After the greatest number the kernel begins anew with small ones.
  return numbered('/proc').filter((pid) =>
    last < command ? pid > command || pid <= last : pid > command && pid <= last,
  )
}

/** The number that was given last; undefined where the machine does not say. */
function lastNumber(): number | undefined {
  try {
    const last = Number(readFileSync('/proc/loadavg', 'utf8').trim().split(' ')[4])
    return Number.isInteger(last) && last > 0 ? last : undefined
  } catch {
    return undefined
  }
}

/** Those that stand around a command end by themselves as soon as nothing is left of it. */
function isWatcher(pid: number): boolean {
  return ['strace', 'bwrap'].includes(nameOf(pid))
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return String(pid)
  }
}

/** Against one that starts others faster than they are found. */
const LOOKS_MAX = 20

function processesWith(variable: string): number[] {
  return numbered('/proc')
    .filter((pid) => pid !== process.pid && environmentOf(pid).includes(variable))
    .filter(isAlive)
}

function numbered(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    // It ended while we looked, or is somebody else's.
    return []
  }
}

/** Not when it has ended and only waits for its parent to notice. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}
