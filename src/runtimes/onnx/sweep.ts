import { expired, rejectLate, rowsIn, type Call } from './call.ts'
import type { createPaces } from './pace.ts'
import type { callQueue } from './queue.ts'
import type { runList, Running } from './runs.ts'

/** Deadlines are looked at so often while calls wait. */
const LOOK_MS = 50
/** A run that nobody waits for any more has so long to end by itself, since to begin anew takes time as well. */
const ABANDONED_MS = 1000

type Hangs = ReturnType<typeof createPaces>['hangs']

/** Rejects calls whose time is over while they wait or are run, and ends a run that hangs; one timer sees to all of them. */
export function sweeper(
  queue: ReturnType<typeof callQueue>,
  { runs, hangs, abandon }: { runs: ReturnType<typeof runList>; hangs: Hangs; abandon: () => void },
): (call: Call) => void {
  let timer: NodeJS.Timeout | undefined
  let dueMs = Infinity
  const look = () => {
    timer = undefined
    dueMs = Infinity
    const nowMs = performance.now()
    for (const call of queue.removeExpired(nowMs)) call.reject(expired(call))
    for (const call of runs.calls()) rejectLate(call, nowMs)
    const running = runs.first()
    if (running !== undefined && isAbandoned(running, nowMs, hangs)) abandon()
    if (!queue.isEmpty() || running !== undefined) wait(LOOK_MS)
  }
  const wait = (ms: number) => {
    clearTimeout(timer)
    dueMs = performance.now() + ms
    timer = setTimeout(look, ms).unref()
  }
  return ({ expiresMs }) => {
    const inMs = Math.max(1, expiresMs - performance.now())
    if (timer === undefined || expiresMs < dueMs) wait(Math.min(LOOK_MS, inMs))
  }
}

/** Whether a run hangs for which nobody has waited for a while. */
function isAbandoned({ calls, sinceMs }: Running, nowMs: number, hangs: Hangs): boolean {
  const [first] = calls as [Call]
  if (calls.some(({ expiresMs }) => nowMs < expiresMs + ABANDONED_MS)) return false
  return hangs(first.key, rowsIn(calls), nowMs - sinceMs)
}
