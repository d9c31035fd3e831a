import type { JournalSource, Logged, NewBatch, Value } from '#inference'
import type { SegmentFilter } from '#serving'
import { batchesIn, type Block } from './block-codec.ts'
import { placeOf, type Connection } from './database.ts'
import type { EndpointRow } from './endpoint-row.ts'
import type { OpenRow } from './rows.ts'

/** Reads rows of blocks as those of the log's own tables are read. */
export function blockRows(connection: Connection, batchIn: JournalSource['batchIn']) {
  const inSpan = connection.prepare(
    `select * from blocks where endpoint = @endpoint and packed is not null and first_seq > @sealed
     and to_ms >= @fromMs and from_ms < @toMs order by from_ms`,
  )
  const newest = connection.prepare(
    `select * from blocks where endpoint = ? and packed is not null and first_seq > ? and first_seq < ? order by last_seq desc`,
  )
  return {
    /** In the order of event time; as many of the first as the filter wants, if not more. */
    rows: ({ id: endpoint, sealed_seq: sealed }: EndpointRow, filter: SegmentFilter): OpenRow[] => {
      const { toMs, after, limit = Infinity } = filter
      const fromMs = Math.max(filter.fromMs, after?.[0] ?? filter.fromMs)
      const found: OpenRow[] = []
      let toReadMs = Infinity
      for (const block of inSpan.iterate({ endpoint, sealed, fromMs, toMs }) as Iterable<Block>) {
        if (block.from_ms > toReadMs) break
        for (const row of rowsOfBlock(block, batchIn)) if (isMeant(row, filter)) found.push(row)
        if (found.length >= limit) {
          found.sort(byEvent)
          found.length = limit
          toReadMs = found.at(-1)?.eventMs ?? toReadMs
        }
      }
      return found.toSorted(byEvent)
    },
    /** Requests before a number, newest first, each with its rows. */
    *newestBefore(
      { id, sealed_seq: sealed }: EndpointRow,
      before: number,
    ): Generator<{ seq: number; rows: readonly OpenRow[] }> {
      const blocks = newest.all(id, sealed, before) as Block[]
      for (const block of blocks)
        for (const { seq, batch } of batchesIn(block, batchIn).toReversed())
          if (seq < before) yield { seq, rows: rowsOfBatch(seq, batch) }
    },
  }
}

/** Blocks of an endpoint in their order, one at a time. */
export function nextBlock(connection: Connection) {
  const select = connection.prepare(
    'select * from blocks where endpoint = ? and packed is not null and last_seq > ? and last_seq <= ? order by last_seq limit 1',
  )
  return (endpoint: number, after: number, upTo: number) =>
    select.get(endpoint, after, upTo) as Block | undefined
}

export function rowsOfBlock(block: Block, batchIn: JournalSource['batchIn']): OpenRow[] {
  return batchesIn(block, batchIn).flatMap(({ seq, batch }) => rowsOfBatch(seq, batch))
}

function rowsOfBatch(seq: number, batch: NewBatch): OpenRow[] {
  const { id, columns, answers, atMs, latencyMs, rows } = batch
  return answers.flatMap(({ revision, outputs }) => {
    const names = revision.outputs.map(({ name }) => name)
    return rows.map(({ eventMs, key, inputs }, row) => ({
      place: placeOf(seq, row),
      batch: id,
      revision: revision.number,
      modelVersion: revision.modelVersion,
      role: revision.role,
      eventMs,
      atMs,
      latencyMs,
      key,
      inputs: named(columns, (index) => inputs[index]),
      outputs: named(names, (index) => outputs[index]?.[row]),
    }))
  })
}

function named(
  names: readonly string[],
  valueAt: (index: number) => Value | undefined,
): Record<string, Logged> {
  const record: Record<string, Logged> = {}
  for (const [index, name] of names.entries()) record[name] = loggedOf(valueAt(index) ?? null)
  return record
}

/** As the tables' JSON would give it back. */
function loggedOf(value: Value): Logged {
  if (typeof value === 'number') return Number.isNaN(value) ? null : value
  if (typeof value === 'bigint') return String(value)
  return Array.isArray(value) ? (value as readonly Value[]).map(loggedOf) : (value as Logged)
}

function isMeant(row: OpenRow, { fromMs, toMs, role, revision, after }: SegmentFilter): boolean {
  if (row.eventMs < fromMs || row.eventMs >= toMs) return false
  if (role !== undefined && row.role !== role) return false
  if (revision !== undefined && row.revision !== revision) return false
  if (after === undefined) return true
  const [afterMs, afterPlace, afterRevision] = after
  return (row.eventMs - afterMs || row.place - afterPlace || row.revision - afterRevision) > 0
}

function byEvent(one: OpenRow, other: OpenRow): number {
  return one.eventMs - other.eventMs || one.place - other.place || one.revision - other.revision
}
