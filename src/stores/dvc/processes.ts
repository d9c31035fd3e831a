import { readFileSync } from 'node:fs'

/** When a process started, in the kernel's ticks; undefined where that cannot be told or it is gone. */
export function processStarted(pid: number): string | undefined {
  return statOf(pid)?.[19]
}

/** What the kernel says of a process, from its state on; undefined where that cannot be told or it is gone. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold spaces; the start time is the 20th field after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** One that was killed keeps its number until its parent has asked how it ended. */
const ENDED = new Set(['Z', 'X', 'x'])

/** Whether the process of that number still is the one that started then: numbers are used again. */
export function isRunning(pid: number, started: string | undefined): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const stat = statOf(pid)
  if (stat === undefined) return true
  if (ENDED.has(stat[0] ?? '')) return false
  return started === undefined || started === '' || stat[19] === started
}

/** The words that a process was started with, without its interpreter; undefined where that cannot be told. */
export function commandOf(pid: number): string | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
    const [first = '', ...rest] = words
    const isInterpreter = /(?:^|\/)(?:python[\d.]*|node)$/.test(first) && rest.length > 0
    const script = rest.findIndex((word) => !word.startsWith('-'))
    const [program = '', ...args] = isInterpreter ? rest.slice(Math.max(0, script)) : words
    const name = program.slice(program.lastIndexOf('/') + 1)
    return name === '' ? undefined : [name, ...args].join(' ').slice(0, COMMAND_CHARS_MAX)
  } catch {
    return undefined
  }
}

const COMMAND_CHARS_MAX = 100
