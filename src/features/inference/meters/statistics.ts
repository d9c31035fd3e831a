import type { Statistics } from '../inference.ts'
import type { Answered } from '../predict.ts'
import type { Revision } from '../revision.ts'
import type { Histogram } from './histogram.ts'
import type { Measured, RunsMeasured } from './meters.ts'

interface Counted {
  readonly revision: Revision
  lastMs: number | null
  rows: number
  succeeded: number
  successMs: number
  failed: number
  failureMs: number
}

/** Counts what was asked of each revision since this process began. */
export function createStatistics(meters: { read(): Pick<Measured, 'runs'> }) {
  const counted = new Map<string, Counted>()
  return {
    note: (revision: Revision, { atMs, tookMs, rows, failed }: Answered): void => {
      const key = keyOf(revision.endpoint, revision.number)
      const count = counted.get(key) ?? uncounted(revision)
      counted.set(key, count)
      count.lastMs = atMs
      count.rows += rows
      if (failed) {
        count.failed += 1
        count.failureMs += tookMs
      } else {
        count.succeeded += 1
        count.successMs += tookMs
      }
    },
    /** Of all that was asked, and of what is loaded. */
    of: (loaded: readonly Revision[], endpoint?: string): Statistics[] => {
      const all = new Map(counted)
      for (const revision of loaded) {
        const key = keyOf(revision.endpoint, revision.number)
        if (!all.has(key)) all.set(key, uncounted(revision))
      }
      const live = meters.read().runs.filter(({ role }) => role === 'live')
      const runs = new Map(live.map((each) => [keyOf(each.endpoint, each.revision), each]))
      return [...all]
        .filter(([, { revision }]) => endpoint === undefined || revision.endpoint === endpoint)
        .map(([key, count]) => statisticsOf(count, runs.get(key)))
    },
    forget: (endpoint: string): void => {
      for (const [key, { revision }] of counted)
        if (revision.endpoint === endpoint) counted.delete(key)
    },
  }
}

function keyOf(endpoint: string, revision: number): string {
  return `${endpoint}/${revision}`
}

function uncounted(revision: Revision): Counted {
  const none = { rows: 0, succeeded: 0, successMs: 0, failed: 0, failureMs: 0 }
  return { revision, lastMs: null, ...none }
}

function statisticsOf(count: Counted, runs: RunsMeasured | undefined): Statistics {
  const { revision, lastMs, rows, succeeded, successMs, failed, failureMs } = count
  return {
    endpoint: revision.endpoint,
    revision,
    lastMs,
    rows,
    runs: countIn(runs?.batchRows),
    success: { count: succeeded, ms: successMs },
    failure: { count: failed, ms: failureMs },
    queue: tallyOf(runs?.queueSeconds),
    compute: tallyOf(runs?.modelSeconds),
  }
}

function tallyOf(seconds: Histogram | undefined): Statistics['queue'] {
  return { count: countIn(seconds), ms: 1000 * (seconds?.sum ?? 0) }
}

function countIn(histogram: Histogram | undefined): number {
  return histogram?.counts.reduce((sum, count) => sum + count, 0) ?? 0
}
