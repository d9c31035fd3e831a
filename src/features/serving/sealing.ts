import type { Clock } from '#base/clock'
import { platformActor, type Transact } from '#ledger'
import { segmentSealed } from './facts.ts'
import type { PredictionLog, WrittenSegment } from './log.ts'
import type { SegmentKind, ServingReads, ServingWrites } from './store.ts'

export interface Sealing {
  /**
   * Seals what an endpoint's log holds open, if that is enough for a segment or was begun before. Throws the signal's
   * reason when it is broken off.
   */
  seal(endpoint: string, kind: SegmentKind, signal?: AbortSignal): Promise<void>
}

/** Sealing in steps that may be broken off anywhere and done again. */
export function createSealing(dependencies: {
  log: PredictionLog
  read: ServingReads
  transact: Transact<{ serving: ServingWrites }>
  clock: Clock
  /** Rows that make a segment. */
  sealRows: number
}): Sealing {
  const { log, read, transact, clock, sealRows } = dependencies
  const { sealing } = log

  /** The object is on record before its rows are removed from the log. */
  const record = async (written: WrittenSegment) => {
    if ((await read.findSegment(written.id)) !== undefined) return
    const segment = { ...written, sealedMs: clock.nowMs() }
    await transact(async ({ serving, ledger }) => {
      if ((await serving.findSegment(segment.id)) !== undefined) return
      await serving.addSegment(segment)
      await ledger.append(platformActor('serving'), [segmentSealed(segment)])
    })
  }

  return {
    seal: async (endpoint, kind, signal) => {
      const mine = (each: { endpoint: string; kind: SegmentKind }) =>
        each.endpoint === endpoint && each.kind === kind
      const open =
        (await sealing.underWay()).find(mine) ??
        ((await log.full(sealRows)).some(mine)
          ? await sealing.begin(endpoint, kind, signal)
          : undefined)
      if (open !== undefined) {
        const written = await sealing.write(open)
        await record(written)
        await sealing.finish(written)
      }
      while (await sealing.sweep(endpoint, signal))
        await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
