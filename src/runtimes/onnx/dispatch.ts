import { setImmediate as turnOver } from 'node:timers/promises'
import { Problem } from '#base/problem'
import type { InferOptions, Outputs, Tensor } from '#inference'
import { expired, newCall, type Call } from './call.ts'
import { ProcessEnded, type Incarnation } from './incarnation.ts'
import { createPaces } from './pace.ts'
import { callQueue, joined, parted } from './queue.ts'

/** A call that fell with its process is made this often again: inference changes nothing. */
const RETRIES = 1
/** Deadlines are looked at so often while calls wait. */
const LOOK_MS = 50
/** A run that nobody waits for any more has so long to end by itself, since to begin anew takes time as well. */
const ABANDONED_MS = 1000

export interface Dispatch {
  infer(key: string, inputs: readonly Tensor[], options: InferOptions): Promise<Outputs>
  /** Sends calls to this process from now on, until it ends. `missing` says why it does not hold a model. */
  use(process: Incarnation, missing: (key: string) => string | undefined): void
  /** Refuses what waits, and what comes in this time. */
  rest(ms: number, why: (leftMs: number) => Problem): void
  /** Calls that wait. */
  waiting(): number
  /** Whether a call is run, or its process has just ended over it. */
  isAtWork(): boolean
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
  const paces = createPaces()
  const target: Target = {
    process: undefined,
    missing: () => undefined,
    closed: undefined,
    rest: undefined,
  }
  let running: Running = { calls: [], sinceMs: 0 }
  const sweep = sweeper(queue, { running: () => running, hangs: paces.hangs, target })
  let busy = false

  const run = async (process: Incarnation, batch: Call[]) => {
    const [first] = batch as [Call, ...Call[]]
    const missing = target.missing(first.key)
    if (missing !== undefined) return rejectAll(batch, new Problem('unavailable', missing))
    try {
      const rows = rowsIn(batch)
      const startedMs = performance.now()
      running = { calls: batch, sinceMs: startedMs }
      const outputs = await process.run(first.key, joined(batch), first)
      const ranMs = performance.now() - startedMs
      paces.note(first.key, rows, ranMs)
      const parts = parted(batch, outputs)
      if (parts === undefined) return queue.addAlone(batch)
      answerAll(batch, parts, { startedMs, ranMs, rows })
    } catch (error) {
      if (error instanceof ProcessEnded) afterDeath(batch, error, { queue, target, onDeath })
      else if (batch.length > 1) queue.addAlone(batch)
      else first.reject(error as Problem)
    }
  }
  const pump = async () => {
    if (busy) return
    busy = true
    while (target.process !== undefined && !queue.isEmpty()) {
      // What the same turn of the event loop brings goes along: a run costs the waking of another process.
      await turnOver()
      if (target.process === undefined || queue.isEmpty()) continue
      await run(target.process, queue.nextBatch(paces.rowsMax))
      running = { calls: [], sinceMs: 0 }
    }
    busy = false
  }

  return {
    infer: (key, inputs, options) =>
      new Promise((resolve, reject) => {
        const refusal = target.closed ?? refusalAtRest(target)
        if (refusal !== undefined) return reject(refusal)
        const call = newCall({ key, inputs, ...options }, timeoutMs, { resolve, reject })
        const waitMs = busy ? paces.waitMs(key, queue.rows()) : 0
        // Whoever would wait in vain is told at once.
        const isVain = performance.now() + waitMs > call.expiresMs
        if (isVain || !queue.add(call)) return reject(crowded(key))
        sweep(call)
        return void pump()
      }),
    ...aiming(target, queue, () => void pump()),
    waiting: queue.calls,
    isAtWork: () => running.calls.length > 0,
  }
}

/** Says where calls go, and when they go nowhere. */
function aiming(
  target: Target,
  queue: ReturnType<typeof callQueue>,
  onTarget: () => void,
): Pick<Dispatch, 'use' | 'rest' | 'close'> {
  return {
    use: (process, missing) => {
      Object.assign(target, { process, missing, rest: undefined })
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

/** What the process does now. */
interface Running {
  readonly calls: readonly Call[]
  readonly sinceMs: number
}

type Hangs = ReturnType<typeof createPaces>['hangs']

/** Whether a run hangs for which nobody has waited for a while. */
function isAbandoned({ calls, sinceMs }: Running, nowMs: number, hangs: Hangs): boolean {
  const [first] = calls
  if (first === undefined) return false
  if (calls.some(({ expiresMs }) => nowMs < expiresMs + ABANDONED_MS)) return false
  return hangs(first.key, rowsIn(calls), nowMs - sinceMs)
}

function rowsIn(calls: readonly Call[]): number {
  return calls.reduce((sum, { rows }) => sum + rows, 0)
}

/** Those whose time is not over; the others are told that it is. */
function awaited(calls: readonly Call[]): Call[] {
  const nowMs = performance.now()
  for (const call of calls) rejectLate(call, nowMs)
  return calls.filter(({ expiresMs }) => expiresMs > nowMs)
}

/** Nobody waits for its answer any more; a run goes on for the others. */
function rejectLate(call: Call, nowMs: number): void {
  if (call.expiresMs <= nowMs) call.reject(expired(call))
}

/** Rejects calls whose time is over while they wait or are run, and ends a run that hangs; one timer sees to all of them. */
function sweeper(
  queue: ReturnType<typeof callQueue>,
  { running, hangs, target }: { running: () => Running; hangs: Hangs; target: Target },
) {
  let timer: NodeJS.Timeout | undefined
  let dueMs = Infinity
  const look = () => {
    timer = undefined
    dueMs = Infinity
    const nowMs = performance.now()
    for (const call of queue.removeExpired(nowMs)) call.reject(expired(call))
    for (const call of running().calls) rejectLate(call, nowMs)
    if (isAbandoned(running(), nowMs, hangs)) target.process?.abandon?.()
    if (!queue.isEmpty() || running().calls.length > 0) wait(LOOK_MS)
  }
  const wait = (ms: number) => {
    clearTimeout(timer)
    dueMs = performance.now() + ms
    timer = setTimeout(look, ms).unref()
  }
  return ({ expiresMs }: Call) => {
    const inMs = Math.max(1, expiresMs - performance.now())
    if (timer === undefined || expiresMs < dueMs) wait(Math.min(LOOK_MS, inMs))
  }
}

function crowded(key: string): Problem {
  return new Problem('unavailable', `too many calls wait for model ${key}; try again later`, {
    crowded: true,
  })
}

interface Target {
  process: Incarnation | undefined
  missing: (key: string) => string | undefined
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
  parts: {
    queue: ReturnType<typeof callQueue>
    target: Target
    onDeath: (key: string, reason: string) => void
  },
): void {
  const { queue, target, onDeath } = parts
  target.process = undefined
  const [first] = batch as [Call, ...Call[]]
  onDeath(first.key, death.message)
  // Who of several it was shows when each is run alone.
  const verdict = batch.length > 1 ? undefined : verdictOn(first, death, target.closed)
  if (verdict === undefined) queue.addAlone(awaited(batch))
  else first.reject(verdict)
}

/** What a call is told that was alone with its process when that died; undefined if it is made again. */
function verdictOn(
  call: Call,
  { message, timedOut }: ProcessEnded,
  closed: Problem | undefined,
): Problem | undefined {
  call.deaths += 1
  if (timedOut)
    return new Problem(
      'timeout',
      `model ${call.key} did not answer within ${call.timeoutMs} ms; its process was ended and is started again`,
    )
  if (call.deaths <= RETRIES && closed === undefined) return undefined
  return (
    closed ?? new Problem('unavailable', `the serving process ended during this call: ${message}`)
  )
}

function rejectAll(calls: readonly Call[], problem: Problem): void {
  for (const call of calls) call.reject(problem)
}
