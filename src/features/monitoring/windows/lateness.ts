import type { Clock } from '#base/clock'
import type { MonitorConfig } from '#projects'
import type { PredictionQueries } from '#serving'
import { hasLateness } from './evaluate.ts'
import { timingOf } from './plan.ts'
import type { MonitoringReads } from '../store.ts'

/** Windows are looked through for what came late this often: with their size, but not more often nor more seldom. */
const OFTEN_MS = 60_000
const SELDOM_MS = 3_600_000
const LOOKS_PER_WINDOW = 24

/** Says now and then whether predictions or labels have come for windows that were evaluated, and when it looked. */
export function lateLooks(sources: {
  read: MonitoringReads
  predictions: PredictionQueries
  clock: Clock
}): (endpoint: string, monitor: MonitorConfig) => Promise<number | undefined> {
  const next = new Map<string, number>()
  return async (endpoint, monitor) => {
    const nowMs = sources.clock.nowMs()
    if (nowMs < (next.get(endpoint) ?? -Infinity)) return undefined
    const everyMs = timingOf(monitor).sizeMs / LOOKS_PER_WINDOW
    next.set(endpoint, nowMs + Math.min(SELDOM_MS, Math.max(OFTEN_MS, everyMs)))
    return (await hasLateness({ endpoint, monitor, ...sources })) ? nowMs : undefined
  }
}
