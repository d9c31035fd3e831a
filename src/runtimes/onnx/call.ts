import { printExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import type { InferOptions, Outputs, Tensor } from '#inference'

/** A call that waits for its answer. */
export interface Call {
  readonly key: string
  readonly inputs: readonly Tensor[]
  readonly role: InferOptions['role']
  readonly timeoutMs: number
  /** As the text of a JSON object; calls with different ones are not run together. */
  readonly params: string | undefined
  /** Times that a process died while it ran this call alone. */
  deaths: number
  /** It is run by itself from now on, since it failed in company. */
  alone: boolean
  resolve(outputs: Outputs): void
  reject(problem: Problem): void
}

/** Time beyond the limits of runs that a call waits for the process to be started again. */
const START_MS = 2000

/** A call that is rejected by itself when its turn does not come in time. */
export function newCall(
  asked: InferOptions & { key: string; inputs: readonly Tensor[] },
  processTimeoutMs: number,
  caller: {
    resolve(outputs: Outputs): void
    reject(problem: Problem): void
    /** Takes the call out of the queue; false when it is not there because it is being run. */
    giveUp(): boolean
  },
): Call {
  const { key, inputs, role } = asked
  const timeoutMs = Math.min(asked.timeoutMs ?? processTimeoutMs, processTimeoutMs)
  // Another call may take its whole time first and cost the process; only then is this one's turn.
  const patience = setTimeout(
    () => {
      if (caller.giveUp())
        caller.reject(new Problem('timeout', `model ${key} was not free in time; try again later`))
    },
    processTimeoutMs + timeoutMs + START_MS,
  )
  return {
    key,
    inputs,
    role,
    timeoutMs,
    params: asked.params === undefined ? undefined : printExactJson(asked.params),
    deaths: 0,
    alone: asked.alone ?? false,
    resolve: (outputs) => {
      clearTimeout(patience)
      caller.resolve(outputs)
    },
    reject: (problem) => {
      clearTimeout(patience)
      caller.reject(problem)
    },
  }
}
