import type { JournalSource, RecordedBatch } from '#inference'
import type { ArrivalQueries, NewestQueries, PredictionQueries } from '#serving'
import { arrivalReader } from './arrivals.ts'
import { batchReader } from './batches.ts'
import type { Connection } from './database.ts'
import { endpointFinder } from './endpoint-row.ts'
import { hotReader, mergedRows } from './hot.ts'
import { labelReader } from './labels.ts'
import { openSegmentRow } from './rows.ts'
import type { SegmentReader } from './segment-reader.ts'
import { summaryReader } from './summaries.ts'

/** Reads of the log: rows that are still in its tables, and rows of sealed segments, as one. */
export function queries(
  connection: Connection,
  { segments, batchIn }: { segments: SegmentReader; batchIn: JournalSource['batchIn'] },
): Omit<PredictionQueries, 'onGrowth' | 'profiles' | 'soFar'> &
  NewestQueries &
  ArrivalQueries & {
    findBatch(id: string): Promise<RecordedBatch | undefined>
    references(digests: readonly string[]): Promise<Map<string, number>>
  } {
  const endpointNamed = endpointFinder(connection)
  const hot = hotReader(connection, batchIn)
  const labels = labelReader(connection)

  const window: PredictionQueries['window'] = async (name, query) => {
    const endpoint = endpointNamed(name)
    if (endpoint === undefined) return { rows: [], next: null }
    const limit = query.limit === undefined ? undefined : query.limit + 1
    const after = query.after?.split('.').map(Number) as [number, number, number] | undefined
    const { fromMs, toMs, role, revision } = query
    const filter = { fromMs, toMs, role, revision, after, limit }
    // Both by the same state of the log, though a segment may be finished between them.
    const open = hot.rows(endpoint, filter)
    const sealed = await segments.rows(endpoint.id, endpoint.sealed_seq, filter)
    const found = mergedRows(sealed.map(openSegmentRow), open)
    const page = query.limit === undefined ? found : found.slice(0, query.limit)
    const last = page.at(-1)
    const more = last !== undefined && found.length > page.length
    return {
      rows: labels.join(endpoint.id, page),
      next: more ? `${last.eventMs}.${last.place}.${last.revision}` : null,
    }
  }

  const count = connection.prepare('select count(*) from segments where digest = ?').pluck()

  return {
    references: async (digests) => {
      const counts = digests.map((digest): [string, number] => [
        digest,
        count.get(digest) as number,
      ])
      return new Map(counts.filter(([, uses]) => uses > 0))
    },
    ...batchReader(connection, { segments, hot }),
    newest: async (name, query) => {
      const endpoint = endpointNamed(name)
      if (endpoint === undefined) return { rows: [], next: null }
      const { rows, next } = hot.newest(endpoint, query)
      return { rows: labels.join(endpoint.id, rows), next }
    },
    ...arrivalReader(connection, { endpointNamed, hot, labels, segments, batchIn }),
    window,
    summaries: summaryReader(connection, endpointNamed),
    watermark: async (name) => endpointNamed(name)?.watermark_ms ?? null,
  }
}
