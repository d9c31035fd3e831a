import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import { pathOfUri } from '#tracking'
import { tracesDeleted } from './facts.ts'
import { experimentIn, type TraceTransact } from './ingest.ts'
import { ARTIFACT_LOCATION_TAG, TIME_MS_MAX, valueOf } from './trace.ts'

/** Traces that one transaction deletes, so that others need not wait long. */
const DELETED_AT_ONCE = 1000

/** Which traces somebody wants deleted: those named, or all until a time, the oldest first. */
export interface DeletionWish {
  readonly traceIds?: readonly string[]
  readonly untilMs?: number
  readonly most?: number
}

export interface TraceDeletion {
  /** Deletes traces for good, with their spans; gives how many. */
  delete(actor: Actor, experimentId: string, wish: DeletionWish): Promise<number>
}

export function createDeletion({ transact }: { transact: TraceTransact }): TraceDeletion {
  return {
    delete: async (actor, experimentId, wish) => {
      assertWish(wish)
      const { traceIds = [], untilMs, most = Number.MAX_SAFE_INTEGER } = wish
      let deleted = 0
      for (;;) {
        const limit = Math.min(DELETED_AT_ONCE, most - deleted)
        if (limit <= 0) return deleted
        const count = await transact(async ({ traces, tracking, ledger }) => {
          const experiment = await experimentIn(tracking, experimentId)
          const choice =
            untilMs === undefined
              ? { traceIds }
              : { untilMs: Math.max(-TIME_MS_MAX, Math.min(TIME_MS_MAX, untilMs)) }
          const chosen = await traces.chosenTraces(experiment.experimentId, choice, limit)
          if (chosen.length === 0) return 0
          for (const { tags } of await traces.traces(chosen)) {
            const files = pathOfUri(valueOf(tags, ARTIFACT_LOCATION_TAG) ?? '')
            if (files !== undefined) await tracking.deleteFiles(files)
          }
          await traces.deleteTraces(chosen)
          await ledger.append(actor, [tracesDeleted(experiment.experimentId, chosen)])
          return chosen.length
        })
        deleted += count
        if (count < limit) return deleted
      }
    },
  }
}

function assertWish({ traceIds = [], untilMs, most }: DeletionWish): void {
  if (untilMs === undefined && traceIds.length === 0)
    throw new Problem('invalid', 'Either `max_timestamp_millis` or `request_ids` must be specified')
  if (untilMs !== undefined && traceIds.length > 0)
    throw new Problem(
      'invalid',
      'Only one of `max_timestamp_millis` and `request_ids` can be specified; send one',
    )
  if (traceIds.length > 0 && most !== undefined)
    throw new Problem('invalid', "`max_traces` can't be specified if `request_ids` is; drop it")
  if (most !== undefined && most <= 0)
    throw new Problem('invalid', `\`max_traces\` must be a positive integer, received ${most}`)
}
