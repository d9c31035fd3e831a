import { Problem } from '#base/problem'
import type { InferOptions, Tensor } from '#serving'
import { ProcessEnded, type Incarnation } from './incarnation.ts'
import { callQueue, joined, parted, type Call } from './queue.ts'

/** A call that fell with its process is made this often again: inference changes nothing. */
const RETRIES = 1

/** Time beyond the others' limits that a call waits for the process to be started again. */
const START_MS = 2000

export interface Dispatch {
  infer(key: string, inputs: readonly Tensor[], options: InferOptions): Promise<Tensor[]>
  /** Sends calls to this process from now on, until it ends. */
  use(process: Incarnation, holds: (key: string) => string | undefined): void
  /** Refuses what waits and what comes. */
  close(why: Problem): void
}

/**
 * Hands calls to the process, one run at a time: it works on one thing anyway, and what waits here can be
 * joined into one run, put into order, and asked of the next process when this one dies.
 */
export function dispatch(
  timeoutMs: number,
  onDeath: (key: string, reason: string) => void,
): Dispatch {
  const queue = callQueue()
  let target: { process: Incarnation; missing: (key: string) => string | undefined } | undefined
  let closed: Problem | undefined
  let busy = false

  const pump = async () => {
    if (busy) return
    busy = true
    while (target !== undefined) {
      const batch = queue.nextBatch()
      if (batch.length === 0) break
      await run(target, batch)
    }
    busy = false
  }

  const run = async ({ process, missing }: NonNullable<typeof target>, batch: Call[]) => {
    const [first] = batch as [Call, ...Call[]]
    const why = missing(first.key)
    if (why !== undefined) return rejectAll(batch, new Problem('unavailable', why))
    try {
      const outputs = await process.run(first.key, joined(batch), first.timeoutMs)
      const parts = parted(batch, outputs)
      if (parts === undefined) return runAlone(batch)
      for (const [index, call] of batch.entries()) call.resolve(parts[index] as Tensor[])
    } catch (error) {
      if (error instanceof ProcessEnded) afterDeath(batch, error)
      else if (batch.length > 1) runAlone(batch)
      else first.reject(error as Problem)
    }
  }

  const afterDeath = (batch: Call[], { message, timedOut }: ProcessEnded) => {
    target = undefined
    const [first] = batch as [Call, ...Call[]]
    onDeath(first.key, message)
    if (batch.length > 1) return runAlone(batch)
    first.deaths += 1
    if (timedOut)
      return first.reject(
        new Problem(
          'timeout',
          `model ${first.key} did not answer within ${first.timeoutMs} ms; its process was ended and is started again`,
        ),
      )
    if (first.deaths <= RETRIES && closed === undefined) return runAlone(batch)
    return first.reject(
      closed ??
        new Problem('unavailable', `the serving process ended during this call: ${message}`),
    )
  }

  const runAlone = (batch: Call[]) => {
    for (const call of batch) call.alone = true
    queue.addAgain(batch)
  }

  const infer: Dispatch['infer'] = (key, inputs, { role, timeoutMs: limitMs }) =>
    new Promise((resolve, reject) => {
      if (closed !== undefined) return reject(closed)
      const ownMs = Math.min(limitMs ?? timeoutMs, timeoutMs)
      const settled = (settle: () => void) => {
        clearTimeout(patience)
        settle()
      }
      const call: Call = {
        key,
        inputs,
        role,
        timeoutMs: ownMs,
        deaths: 0,
        alone: false,
        resolve: (outputs) => settled(() => resolve(outputs)),
        reject: (problem) => settled(() => reject(problem)),
      }
      // Another call may take its whole time first and cost the process; only then is this one's turn.
      const patience = setTimeout(
        () => {
          if (queue.remove(call)) reject(busyFor(key))
        },
        timeoutMs + ownMs + START_MS,
      )
      try {
        queue.add(call)
      } catch (problem) {
        return call.reject(problem as Problem)
      }
      return void pump()
    })

  return {
    infer,
    use: (process, missing) => {
      target = { process, missing }
      void process.ended.then(() => {
        if (target?.process === process) target = undefined
      })
      void pump()
    },
    close: (why) => {
      closed = why
      target = undefined
      rejectAll(queue.removeAll(), why)
    },
  }
}

function rejectAll(calls: readonly Call[], problem: Problem): void {
  for (const call of calls) call.reject(problem)
}

function busyFor(key: string): Problem {
  return new Problem('timeout', `model ${key} was not free in time; try again later`)
}
