import type { Call } from './call.ts'

/** Calls that were given to the process together. */
export interface Running {
  readonly calls: readonly Call[]
  /** Since when it is their turn. */
  readonly sinceMs: number
}

/** What the process was given and has not answered yet, in its order: it works on the first. */
export function runList() {
  const runs: { calls: readonly Call[]; sinceMs: number }[] = []
  return {
    count: () => runs.length,
    first: (): Running | undefined => runs[0],
    calls: (): readonly Call[] => runs.flatMap(({ calls }) => calls),
    add: (calls: readonly Call[]): Running => {
      const running = { calls, sinceMs: performance.now() }
      runs.push(running)
      return running
    },
    remove: (running: Running): void => {
      const at = runs.indexOf(running)
      runs.splice(at, 1)
      const [next] = runs
      if (at === 0 && next !== undefined) next.sinceMs = performance.now()
    },
  }
}
