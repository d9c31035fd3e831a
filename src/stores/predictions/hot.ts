import type { JournalSource } from '#inference'
import type { SegmentFilter } from '#serving'
import { blockRows } from './block-rows.ts'
import { placeOf, type Connection } from './database.ts'
import type { EndpointRow } from './endpoint-row.ts'
import { rowReader, type HotRow, type OpenRow } from './rows.ts'

const ROWS = `
  select s.place, b.id as batch, b.layout, a.revision, r.number, s.event_ms, b.at_ms, b.latency_ms, s.key, i.inputs, a.outputs
  from subjects s
  join inputs i on i.place = s.place
  join answers a on a.place = s.place
  join revisions r on r.id = a.revision
  join batches b on b.seq = s.place >> 20`

/** Reads the rows that are in the log's own tables. */
export function hotReader(connection: Connection, batchIn: JournalSource['batchIn']) {
  const { open } = rowReader(connection)
  const blocks = blockRows(connection, batchIn)
  const inWindow = connection.prepare(
    `${ROWS}
     where s.endpoint = @endpoint and s.event_ms >= @fromMs and s.event_ms < @toMs and s.place >= @firstPlace
       and (@role is null or r.role = @role) and (@revision is null or r.number = @revision)
       and (@afterMs is null or (s.event_ms, s.place, r.number) > (@afterMs, @afterPlace, @afterRevision))
     order by s.event_ms, s.place, r.number limit @limit`,
  )
  const atPlaces = connection.prepare(
    `${ROWS} where s.place between ? and ? order by s.place, r.number`,
  )
  const newestBatches = connection.prepare(
    `select seq, rows from batches where endpoint = @endpoint and seq > @sealed and seq < @before
     order by seq desc limit @limit`,
  )
  const between = (first: number, last: number): OpenRow[] =>
    (atPlaces.all(first, last) as HotRow[]).map(open)
  return {
    /** Of the newest batches all rows, so many that there are enough. */
    newest: (
      endpoint: EndpointRow,
      { limit, before = Number.MAX_SAFE_INTEGER }: { limit: number; before?: number },
    ): { rows: OpenRow[]; next: number | null } => {
      const sealed = endpoint.sealed_seq
      const found = newestBatches.all({ endpoint: endpoint.id, sealed, before, limit: limit + 1 })
      const single = found as { seq: number; rows: number }[]
      const rows: OpenRow[] = []
      let last: number | undefined
      for (const { seq, rows: held } of newestFirst(
        single,
        blocks.newestBefore(endpoint, before),
      )) {
        if (rows.length >= limit) return { rows, next: last ?? null }
        if (typeof held === 'number')
          rows.push(...between(placeOf(seq, 0), placeOf(seq, Math.min(held, limit) - 1)))
        else rows.push(...held.slice(0, limit))
        last = seq
      }
      return { rows, next: null }
    },
    rows: (endpoint: EndpointRow, filter: SegmentFilter): readonly OpenRow[] => {
      const [afterMs, afterPlace, afterRevision] = filter.after ?? [null, null, null]
      const rows = inWindow.all({
        endpoint: endpoint.id,
        fromMs: filter.fromMs,
        toMs: filter.toMs,
        firstPlace: placeOf(endpoint.sealed_seq + 1, 0),
        role: filter.role ?? null,
        revision: filter.revision ?? null,
        afterMs,
        afterPlace,
        afterRevision,
        limit: filter.limit ?? -1,
      }) as HotRow[]
      return mergedRows(rows.map(open), blocks.rows(endpoint, filter))
    },
    /** Both ends included. */
    between,
  }
}

/** Two lists that are in the order of event time, as one. */
export function mergedRows(one: readonly OpenRow[], other: readonly OpenRow[]): readonly OpenRow[] {
  if (one.length === 0) return other
  if (other.length === 0) return one
  return [...one, ...other].toSorted(
    (a, b) => a.eventMs - b.eventMs || a.place - b.place || a.revision - b.revision,
  )
}

/** Two lists of requests with falling numbers, as one. */
function* newestFirst<One extends { seq: number }, Other extends { seq: number }>(
  ones: Iterable<One>,
  others: Iterable<Other>,
): Generator<One | Other> {
  const [left, right] = [ones[Symbol.iterator](), others[Symbol.iterator]()]
  let [one, other] = [left.next(), right.next()]
  while (one.done !== true || other.done !== true)
    if (other.done === true || (one.done !== true && one.value.seq > other.value.seq)) {
      if (one.done !== true) yield one.value
      one = left.next()
    } else {
      yield other.value
      other = right.next()
    }
}
