import { setImmediate } from 'node:timers/promises'
import { Problem } from '#base/problem'

/** Work that leaves the process free to answer others, and ends when its time is over or nobody waits. */
export interface Pace {
  /** Throws when the work must end; lets others have a turn when it has gone on for a while. */
  step(): Promise<void>
  check(): void
}

const TURN_MS = 8

export function paceOf({ deadlineMs, signal }: { deadlineMs: number; signal?: AbortSignal }): Pace {
  const endMs = performance.now() + deadlineMs
  let turnMs = performance.now()
  const check = () => {
    if (signal?.aborted === true)
      throw new Problem('timeout', 'the explanation was cancelled, since nobody waits for it')
    if (performance.now() > endMs)
      throw new Problem(
        'timeout',
        `the explanation was not done within ${Math.round(deadlineMs)} ms; ask for fewer rows, less background or fewer evaluations, or allow more time`,
      )
  }
  return {
    check,
    step: async () => {
      if (performance.now() - turnMs < TURN_MS) return
      check()
      await setImmediate()
      turnMs = performance.now()
    },
  }
}
