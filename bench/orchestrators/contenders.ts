import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startFamily, type Family } from '../../tests/support/process.ts'

/** Ten stages in a row, and ten that depend on nothing. */
export const PIPELINES = ['row', 'side'] as const
export type Pipeline = (typeof PIPELINES)[number]

/** One way to run the pipelines with one tool. */
export interface Contender {
  readonly name: string
  /** Whether a server that is up is asked, or a command does it all by itself. */
  readonly kind: 'server' | 'command'
  /** All that has to be up between runs. */
  readonly families: readonly Family[]
  /** Where the stages' outputs are found, with the moments in them at which they were written. */
  readonly outputs: (pipeline: Pipeline) => string
  /** From what triggers it until the tool itself says that the run has succeeded. */
  readonly run: (pipeline: Pipeline) => Promise<void>
}

/** The ways that one start of a tool gives; all of them end with it. */
export type Start = (home: string) => Promise<Contender[]>

export const PYTHON = join(import.meta.dirname, 'python')
const LOOK_MS = 10
const START_MS_MAX = 120_000
const RUN_MS_MAX = 170_000

export async function freshFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true })
  return path
}

export function startServer(
  command: string,
  args: readonly string[],
  options: { folder: string; environment: Readonly<Record<string, string>> },
): Family {
  const family = startFamily(command, args, options)
  family.stdout.resume()
  return family
}

/** Looks until there is something; says what the processes said where nothing comes. */
export async function until<T>(
  what: string,
  families: readonly Family[],
  look: () => Promise<T | undefined>,
  maxMs = START_MS_MAX,
): Promise<T> {
  let ended: number | null | undefined
  for (const { exited } of families) void exited.then((status) => (ended = status))
  for (const began = performance.now(); performance.now() - began < maxMs; await sleep(LOOK_MS)) {
    const found = await look().catch(() => undefined)
    if (found !== undefined) return found
    if (ended !== undefined) break
  }
  const logs = families.map((family) => family.log().slice(-3000)).join('\n')
  throw new Error(`${what} did not come (exit code ${String(ended)}):\n${logs}`)
}

/** Ends every process of a start that came to nothing. */
export async function orEnd<T>(families: readonly Family[], work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    await Promise.all(families.map((family) => family.end()))
    throw error
  }
}

/** Asks for the state of a run until it is the good one; another end of it is an error. */
export async function untilSucceeded(
  families: readonly Family[],
  states: { good: string; bad: readonly string[] },
  look: () => Promise<string>,
): Promise<void> {
  const ends = new Set([states.good, ...states.bad])
  const seen = async () => {
    const state = await look()
    return ends.has(state) ? state : undefined
  }
  const end = await until('the end of a run', families, seen, RUN_MS_MAX)
  if (end === states.good) return
  throw new Error(`a run ended as ${end}:\n${families.map((family) => family.log()).join('\n')}`)
}

export async function ask<T>(
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const answer = await fetch(url, {
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url} was answered with ${answer.status}: ${text}`)
  return JSON.parse(text) as T
}
