import type { Clock } from '#base/clock'
import type { Transact } from '#ledger'
import type { Counted, Look } from './counted.ts'
import { joined, type UsageHour } from './hour.ts'
import { spentBetween } from './spent.ts'
import type { UsageReads, UsageWrites } from './store.ts'

export interface Usage {
  /** Looks at what was counted and keeps what is new; those who ask at the same time share one look. */
  collect(): Promise<void>
  /** What an endpoint answered and took in the hours that begin in a span, up to now. */
  hours(endpoint: string, span: { fromMs: number; toMs: number }): Promise<UsageHour[]>
}

export interface UsageDependencies {
  readonly read: UsageReads
  readonly transact: Transact<{ usage: UsageWrites }>
  /** Undefined while nothing answers. */
  readonly count: () => Promise<Counted | undefined>
  readonly clock: Clock
}

const HOUR_MS = 3_600_000
/** A year is compared with the one before it. */
const KEPT_MS = 800 * 24 * HOUR_MS
/** Who asks again so soon is told what is known. */
const FRESH_MS = 500

export function createUsage({ read, transact, count, clock }: UsageDependencies): Usage {
  let last: Look | undefined
  let looking: Promise<void> | undefined
  /** What could not be kept yet. */
  let waiting: UsageHour[] = []
  let sweptMs = 0

  const look = async (): Promise<void> => {
    const counted = await count()
    if (counted === undefined) return
    const now = { counted, atMs: clock.nowMs() }
    const startMs = hourOf(last, now)
    waiting = together([
      ...waiting,
      ...spentBetween(last, now).map((each) => Object.assign(each, { startMs })),
    ])
    last = now
    if (waiting.length === 0) return
    const hours = waiting
    const dayMs = Math.floor(now.atMs / (24 * HOUR_MS))
    await transact(async ({ usage }) => {
      await usage.add(hours)
      if (sweptMs !== dayMs) await usage.forget(now.atMs - KEPT_MS)
    })
    sweptMs = dayMs
    waiting = []
  }
  const collect = (): Promise<void> => {
    if (last !== undefined && clock.nowMs() - last.atMs < FRESH_MS && waiting.length === 0)
      return Promise.resolve()
    looking ??= look().finally(() => {
      looking = undefined
    })
    return looking
  }
  return {
    collect,
    hours: async (endpoint, span) => {
      if (span.toMs > clock.nowMs() - HOUR_MS) await collect()
      return read.hours(endpoint, span)
    },
  }
}

/** What was spent between two looks is of the hour in which most of that time lies. */
function hourOf(before: Look | undefined, { atMs }: Look): number {
  const middleMs = before === undefined ? atMs : (before.atMs + atMs) / 2
  return Math.floor(middleMs / HOUR_MS) * HOUR_MS
}

function together(hours: readonly UsageHour[]): UsageHour[] {
  const found = new Map<string, UsageHour>()
  for (const each of hours) {
    const key = `${each.endpoint}\n${each.revision}\n${each.startMs}`
    const kept = found.get(key)
    found.set(key, kept === undefined ? each : joined(kept, each))
  }
  return [...found.values()]
}
