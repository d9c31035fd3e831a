import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { Job } from './asked.ts'
import type { Loaded } from './load.ts'

/** A process that asks, from outside. */
export interface Loader {
  load(job: Job): Promise<Loaded>
  /** Starts a server in that process which answers nothing, and gives its address. */
  nothing(): Promise<string>
  runAlone(path: string, rows: number, forMs: number): Promise<number>
  stop(): void
}

export function startLoader(): Loader {
  const child = fork(join(import.meta.dirname, 'load.ts'))
  const ask = <T>(kind: string, ...args: unknown[]) =>
    new Promise<T>((resolve, reject) => {
      child.once('message', ({ value, error }: { value: T; error?: string }) =>
        error === undefined ? resolve(value) : reject(new Error(error)),
      )
      child.send({ kind, args })
    })
  return {
    load: (job) => ask('load', job),
    nothing: () => ask('nothing'),
    runAlone: (path, rows, forMs) => ask('runAlone', path, rows, forMs),
    stop: () => void child.kill(),
  }
}
