import type { Logger } from '#base/logger'
import type { BatchOutline, JournalEntries, JournalSource } from '#inference'
import type { SegmentKind } from '#serving'
import { isTwin, type appender } from './append.ts'
import type { feedbackKeeper } from './feedback.ts'

/** Rows that were added to an endpoint's log. */
export interface Added {
  readonly endpoint: string
  readonly kind: SegmentKind
  readonly rows: number
}

/** Adds the journal's entries inside a transaction, and gives what it added. */
export function taker(
  log: Pick<ReturnType<typeof appender>, 'add' | 'hold' | 'settle' | 'appendLate' | 'skip'> & {
    readonly feedback: ReturnType<typeof feedbackKeeper>['record']
    readonly batchIn: JournalSource['batchIn']
    readonly logger: Logger
  },
): (entries: JournalEntries['entries']) => Added[] {
  const noteTwin = ({ id }: BatchOutline): void =>
    log.logger.warn({ batch: id }, 'a prediction of the journal is in the log already')
  const rowsTaken = (batch: BatchOutline, record: Uint8Array): number => {
    try {
      if (!log.hold(batch, record)) log.add(log.batchIn(record))
      return batch.rows.length
    } catch (error) {
      if (!isTwin(error)) throw error
      noteTwin(batch)
      return 0
    }
  }
  const take = (entry: JournalEntries['entries'][number]): Added | undefined => {
    if (entry.kind === 'late') {
      log.appendLate(entry.batch, entry.answers)
      return undefined
    }
    if (entry.kind === 'skipped') {
      log.skip(entry.endpoint, entry.predictions, entry.atMs)
      return undefined
    }
    if (entry.kind === 'batch') {
      const { endpoint } = entry.batch
      return { endpoint, kind: 'predictions', rows: rowsTaken(entry.batch, entry.record) }
    }
    const { endpoint } = entry
    // A truth is counted beside its prediction, which must be there.
    log.settle(noteTwin)
    const { labels } = log.feedback(endpoint, entry.feedback, entry.atMs)
    return { endpoint, kind: 'truths', rows: labels }
  }
  return (entries) => {
    const added = new Map<string, Added>()
    for (const entry of entries) {
      const one = take(entry)
      if (one === undefined) continue
      const name = `${one.kind} ${one.endpoint}`
      added.set(name, { ...one, rows: one.rows + (added.get(name)?.rows ?? 0) })
    }
    log.settle(noteTwin)
    return [...added.values()]
  }
}
