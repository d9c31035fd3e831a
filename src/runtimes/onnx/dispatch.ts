import { Problem } from '#base/problem'
import type { InferOptions, Outputs, Tensor } from '#inference'
import { awaited, newCall, rowsIn, type Call } from './call.ts'
import { ProcessEnded, type Incarnation } from './incarnation.ts'
import { createPaces } from './pace.ts'
import { callQueue, joined, parted } from './queue.ts'
import { runList } from './runs.ts'
import { sweeper } from './sweep.ts'

/** A call that fell with its process is made this often again: inference changes nothing. */
const RETRIES = 1

export interface Dispatch {
  infer(key: string, inputs: readonly Tensor[], options: InferOptions): Promise<Outputs>
  /** Sends calls to this process from now on, until it ends. */
  use(process: Incarnation, holds: Holds): void
  /** Refuses what waits, and what comes in this time. */
  rest(ms: number, why: (leftMs: number) => Problem): void
  /** Calls that wait. */
  waiting(): number
  /** Whether a call is run, or its process has just ended over it. */
  isAtWork(): boolean
  /** Refuses what waits and what comes. */
  close(why: Problem): void
}

/** What a process holds. */
export interface Holds {
  /** Why it does not hold a model; undefined if it does. */
  missing(key: string): string | undefined
  /** Whether a model takes rows of several calls at once. */
  joins(key: string): boolean
}

/** With so many, the process has its next run when one is done; further ones gain nothing. */
const RUNS_MAX = 2

/**
 * Hands calls to the process, one run at a time: it works on one thing anyway, and what waits here can be
 * joined into one run, put into order, and asked of the next process when this one dies. Only a run that is as large as
 * it can be does not wait for the one before.
 */
export function dispatch(
  timeoutMs: number,
  onDeath: (key: string, reason: string) => void,
): Dispatch {
  const queue = callQueue()
  const paces = createPaces()
  const runs = runList()
  const target: Target = {
    process: undefined,
    holds: { missing: () => undefined, joins: () => true },
    closed: undefined,
    rest: undefined,
  }
  const sweep = sweeper(queue, {
    runs,
    hangs: paces.hangs,
    abandon: () => target.process?.abandon?.(),
  })
  const run = runner({ queue, paces, runs, target, onDeath })
  let turnEnd: NodeJS.Immediate | undefined

  const rowsMax = (key: string) => (target.holds.joins(key) ? paces.rowsMax(key) : 1)
  const mayRun = ({ process }: Target): boolean => {
    if (process === undefined || queue.isEmpty()) return false
    if (runs.count() === 0) return true
    return process.queues === true && runs.count() < RUNS_MAX && queue.isFull(rowsMax)
  }
  const pump = () => {
    if (turnEnd !== undefined || !mayRun(target)) return
    // What the same turn of the event loop brings goes along: a run costs the waking of another process.
    turnEnd = setImmediate(() => {
      turnEnd = undefined
      if (!mayRun(target)) return
      void run(target.process as Incarnation, queue.nextBatch(rowsMax)).then(pump)
      pump()
    })
  }

  return {
    infer: (key, inputs, options) =>
      new Promise((resolve, reject) => {
        const refusal = target.closed ?? refusalAtRest(target)
        if (refusal !== undefined) return reject(refusal)
        const call = newCall({ key, inputs, ...options }, timeoutMs, { resolve, reject })
        const waitMs = runs.count() > 0 ? paces.waitMs(key, queue.rows()) : 0
        // Whoever would wait in vain is told at once.
        const isVain = performance.now() + waitMs > call.expiresMs
        if (isVain || !queue.add(call)) return reject(crowded(key))
        sweep(call)
        return pump()
      }),
    ...aiming(target, queue, pump),
    waiting: queue.calls,
    isAtWork: () => runs.count() > 0,
  }
}

interface Parts {
  readonly queue: ReturnType<typeof callQueue>
  readonly paces: ReturnType<typeof createPaces>
  readonly runs: ReturnType<typeof runList>
  readonly target: Target
  readonly onDeath: (key: string, reason: string) => void
}

/** Runs calls together, and tells each of them what came of it or puts them back; never rejects. */
function runner({ queue, paces, runs, target, onDeath }: Parts) {
  return async (process: Incarnation, batch: Call[]): Promise<void> => {
    const [first] = batch as [Call, ...Call[]]
    const missing = target.holds.missing(first.key)
    if (missing !== undefined) return rejectAll(batch, new Problem('unavailable', missing))
    const running = runs.add(batch)
    try {
      const rows = rowsIn(batch)
      const outputs = await process.run(first.key, joined(batch), first)
      const { sinceMs } = running
      const ranMs = performance.now() - sinceMs
      paces.note(first.key, rows, ranMs)
      const parts = parted(batch, outputs)
      if (parts === undefined) queue.addAlone(batch)
      else answerAll(batch, parts, { startedMs: sinceMs, ranMs, rows })
    } catch (error) {
      if (error instanceof ProcessEnded) afterDeath(batch, error, { queue, target, onDeath })
      else if (batch.length > 1) queue.addAlone(batch)
      else first.reject(error as Problem)
    } finally {
      runs.remove(running)
    }
  }
}

/** Says where calls go, and when they go nowhere. */
function aiming(
  target: Target,
  queue: ReturnType<typeof callQueue>,
  onTarget: () => void,
): Pick<Dispatch, 'use' | 'rest' | 'close'> {
  return {
    use: (process, holds) => {
      Object.assign(target, { process, holds, rest: undefined })
      void process.ended.finally(() => leave(target, process))
      onTarget()
    },
    rest: (ms, why) => {
      target.rest = { untilMs: performance.now() + ms, why }
      rejectAll(queue.removeAll(), why(ms))
    },
    close: (why) => {
      Object.assign(target, { process: undefined, closed: why })
      rejectAll(queue.removeAll(), why)
    },
  }
}

function answerAll(
  batch: readonly Call[],
  parts: readonly Outputs[],
  { startedMs, ranMs, rows }: { startedMs: number; ranMs: number; rows: number },
): void {
  for (const [index, call] of batch.entries()) {
    call.onRun?.({ queuedMs: startedMs - call.sinceMs, ranMs, rows, leads: index === 0 })
    call.resolve(parts[index] as Outputs)
  }
}

function crowded(key: string): Problem {
  return new Problem('unavailable', `too many calls wait for model ${key}; try again later`, {
    crowded: true,
  })
}

interface Target {
  process: Incarnation | undefined
  holds: Holds
  closed: Problem | undefined
  /** Until when nobody is to wait for the next process, and why. */
  rest: { readonly untilMs: number; readonly why: (leftMs: number) => Problem } | undefined
}

function refusalAtRest({ rest }: Target): Problem | undefined {
  if (rest === undefined) return undefined
  const leftMs = rest.untilMs - performance.now()
  return leftMs > 0 ? rest.why(leftMs) : undefined
}

function leave(target: Target, ended: Incarnation): void {
  if (target.process === ended) target.process = undefined
}

/** Has the calls made again that their process did not live to answer, but for one that it was the end of. */
function afterDeath(
  batch: Call[],
  death: ProcessEnded,
  { queue, target, onDeath }: Pick<Parts, 'queue' | 'target' | 'onDeath'>,
): void {
  target.process = undefined
  if (target.closed !== undefined) return rejectAll(batch, target.closed)
  if (!death.begun) return queue.addFirst(awaited(batch))
  const [first] = batch as [Call, ...Call[]]
  onDeath(first.key, death.message)
  // Who of several it was shows when each is run alone.
  const verdict = batch.length > 1 ? undefined : verdictOn(first, death)
  if (verdict !== undefined) return first.reject(verdict)
  return queue.addAlone(awaited(batch))
}

/** What a call is told that was alone with its process when that died; undefined if it is made again. */
function verdictOn(call: Call, { message, timedOut }: ProcessEnded): Problem | undefined {
  call.deaths += 1
  if (timedOut)
    return new Problem(
      'timeout',
      `model ${call.key} did not answer within ${call.timeoutMs} ms; its process was ended and is started again`,
    )
  if (call.deaths <= RETRIES) return undefined
  return new Problem('unavailable', `the serving process ended during this call: ${message}`)
}

function rejectAll(calls: readonly Call[], problem: Problem): void {
  for (const call of calls) call.reject(problem)
}
