import type { Deployed } from '../models/deployment.ts'
import type { Statistics } from '../inference.ts'
import type { Answered } from '../predict.ts'
import type { Revision } from '../revision.ts'

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
export function createStatistics() {
  const counted = new Map<string, Counted>()
  return {
    note: ({ revision }: Deployed, { atMs, tookMs, rows, failed }: Answered): void => {
      const key = `${revision.endpoint}/${revision.number}`
      let count = counted.get(key)
      if (count === undefined) {
        count = {
          revision,
          lastMs: null,
          rows: 0,
          succeeded: 0,
          successMs: 0,
          failed: 0,
          failureMs: 0,
        }
        counted.set(key, count)
      }
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
    of: (endpoint?: string): Statistics[] =>
      [...counted.values()]
        .filter(({ revision }) => endpoint === undefined || revision.endpoint === endpoint)
        .map(({ revision, lastMs, rows, succeeded, successMs, failed, failureMs }) => ({
          endpoint: revision.endpoint,
          revision,
          lastMs,
          rows,
          runs: succeeded,
          success: { count: succeeded, ms: successMs },
          failure: { count: failed, ms: failureMs },
          queue: { count: succeeded, ms: 0 },
          compute: { count: succeeded, ms: successMs },
        })),
    forget: (endpoint: string): void => {
      for (const [key, { revision }] of counted)
        if (revision.endpoint === endpoint) counted.delete(key)
    },
  }
}
