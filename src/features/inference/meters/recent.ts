import { latencyBin, latencyEdgeMs } from './pulse.ts'

/** What an endpoint answered in one step of time. */
export interface RecentPoint {
  /** When the step begins. */
  readonly atMs: number
  readonly requests: number
  readonly failed: number
  readonly rows: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** What an endpoint answered in the last minutes. */
export interface Recent {
  readonly stepMs: number
  /** Oldest first, without gaps. */
  readonly points: readonly RecentPoint[]
  /** How many answers took how long, over all of these minutes: each bin begins at `fromMs`. */
  readonly latencies: readonly { readonly fromMs: number; readonly count: number }[]
  readonly p50Ms: number | null
  readonly p90Ms: number | null
  readonly p99Ms: number | null
  readonly revisions: readonly RecentRevision[]
  /** The newest requests that were not answered, newest first; they are in no log. */
  readonly failures: readonly RecentFailure[]
}

export interface RecentFailure {
  readonly atMs: number
  readonly protocol: string
  readonly kind: string
  readonly message: string
}

export interface RecentRevision {
  readonly revision: number
  readonly requests: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

const STEP_MS = 5000
const STEPS = 60

const FAILURES_MAX = 50
/** What a message says beyond this is of no use in a list. */
const MESSAGE_CHARS_MAX = 300

interface Step {
  readonly number: number
  failed: number
  rows: number
  /** By revision, how many took how long, by `latencyBin`. */
  readonly revisions: Map<number, Map<number, number>>
}

/** Keeps how requests ended in the last five minutes, endpoint by endpoint. */
export function createRecent() {
  const endpoints = new Map<string, Step[]>()
  const failures = new Map<string, RecentFailure[]>()
  const stepAt = (endpoint: string, nowMs: number): Step => {
    const number = Math.floor(nowMs / STEP_MS)
    let steps = endpoints.get(endpoint)
    if (steps === undefined) endpoints.set(endpoint, (steps = []))
    const last = steps.at(-1)
    // A clock that was put back counts in the newest step.
    if (last !== undefined && last.number >= number) return last
    const step: Step = { number, failed: 0, rows: 0, revisions: new Map() }
    steps.push(step)
    if (steps.length > STEPS) steps.shift()
    return step
  }
  return {
    answered: (
      endpoint: string,
      answer: { nowMs: number; revision: number; rows: number; tookMs: number },
    ): void => {
      const step = stepAt(endpoint, answer.nowMs)
      step.rows += answer.rows
      let bins = step.revisions.get(answer.revision)
      if (bins === undefined) step.revisions.set(answer.revision, (bins = new Map()))
      increase(bins, latencyBin(answer.tookMs), 1)
    },
    failed: (endpoint: string, { message, ...failure }: RecentFailure): void => {
      stepAt(endpoint, failure.atMs).failed += 1
      const list = failures.get(endpoint) ?? []
      list.unshift({ ...failure, message: message.slice(0, MESSAGE_CHARS_MAX) })
      failures.set(endpoint, list.slice(0, FAILURES_MAX))
    },
    forget: (endpoint: string): void => {
      endpoints.delete(endpoint)
      failures.delete(endpoint)
    },
    of: (endpoint: string, nowMs: number): Recent => ({
      ...recentOf(endpoints.get(endpoint) ?? [], nowMs),
      failures: failures.get(endpoint) ?? [],
    }),
  }
}

function recentOf(kept: readonly Step[], nowMs: number): Omit<Recent, 'failures'> {
  const newest = Math.floor(nowMs / STEP_MS)
  const byNumber = new Map(kept.map((step) => [step.number, step]))
  const steps = Array.from({ length: STEPS }, (_, at) => newest - STEPS + 1 + at)
  const shown = steps.flatMap((number) => byNumber.get(number) ?? [])
  const all = joinedBins(shown.flatMap(({ revisions }) => [...revisions.values()]))
  const numbers = new Set(shown.flatMap(({ revisions }) => [...revisions.keys()]))
  return {
    stepMs: STEP_MS,
    points: steps.map((number) => pointOf(number, byNumber.get(number))),
    latencies: [...all]
      .toSorted(([one], [other]) => one - other)
      .map(([bin, count]) => ({ fromMs: latencyEdgeMs(bin), count })),
    p50Ms: quantile(all, 0.5),
    p90Ms: quantile(all, 0.9),
    p99Ms: quantile(all, 0.99),
    revisions: [...numbers]
      .toSorted((one, other) => one - other)
      .map((revision) => {
        const bins = joinedBins(shown.flatMap((step) => step.revisions.get(revision) ?? []))
        return {
          revision,
          requests: total(bins),
          p50Ms: quantile(bins, 0.5),
          p99Ms: quantile(bins, 0.99),
        }
      }),
  }
}

function pointOf(number: number, step: Step | undefined): RecentPoint {
  const bins = joinedBins([...(step?.revisions.values() ?? [])])
  const failed = step?.failed ?? 0
  return {
    atMs: number * STEP_MS,
    requests: total(bins) + failed,
    failed,
    rows: step?.rows ?? 0,
    p50Ms: quantile(bins, 0.5),
    p99Ms: quantile(bins, 0.99),
  }
}

function joinedBins(many: readonly ReadonlyMap<number, number>[]): Map<number, number> {
  const joined = new Map<number, number>()
  for (const bins of many) for (const [bin, count] of bins) increase(joined, bin, count)
  return joined
}

/** The time within which this share was answered, to the width of a bin. */
function quantile(bins: ReadonlyMap<number, number>, share: number): number | null {
  let left = Math.ceil(total(bins) * share)
  for (const [bin, count] of [...bins].toSorted(([one], [other]) => one - other)) {
    left -= count
    if (left <= 0) return latencyEdgeMs(bin + 1)
  }
  return null
}

function total(bins: ReadonlyMap<number, number>): number {
  let sum = 0
  for (const count of bins.values()) sum += count
  return sum
}

function increase(bins: Map<number, number>, bin: number, by: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + by)
}
