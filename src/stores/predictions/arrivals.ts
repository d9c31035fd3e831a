import type { JournalSource } from '#inference'
import type { ArrivalQuery, PredictionRow } from '#serving'
import type { Block } from './block-codec.ts'
import { rowsOfBlock } from './block-rows.ts'
import { placeOf, rowOfPlace, type Connection } from './database.ts'
import type { EndpointRow } from './endpoint-row.ts'
import type { hotReader } from './hot.ts'
import type { labelReader } from './labels.ts'
import { openSegmentRow, type OpenRow } from './rows.ts'
import type { SegmentReader } from './segment-reader.ts'

/** Requests that are looked at in one step. */
const REQUESTS_MAX = 200

/** Requests of one endpoint that follow one another: single ones, or those of a block. */
interface Step {
  readonly first: number
  readonly last: number
  readonly seqs: readonly number[]
  readonly block: Block | undefined
}

/** Reads what was answered in the order in which the log took it, wherever the rows lie now. */
export function arrivalReader(
  connection: Connection,
  means: {
    endpointNamed: (name: string) => EndpointRow | undefined
    hot: Pick<ReturnType<typeof hotReader>, 'between'>
    labels: Pick<ReturnType<typeof labelReader>, 'join'>
    segments: SegmentReader
    batchIn: JournalSource['batchIn']
  },
) {
  const { endpointNamed, hot, labels, segments, batchIn } = means
  const nextSeqs = stepReader(connection)
  const spanOf = connection.prepare(
    `select min(from_ms) as fromMs, max(to_ms) as toMs from segments
     where endpoint = ? and kind = 'predictions' and state = 'finished' and first_seq <= ? and last_seq >= ?`,
  )

  const sealedRows = async (endpoint: EndpointRow, first: number, last: number) => {
    const span = spanOf.get(endpoint.id, last, first) as {
      fromMs: number | null
      toMs: number | null
    }
    if (span.fromMs === null || span.toMs === null) return []
    const rows = await segments.rows(endpoint.id, endpoint.sealed_seq, {
      fromMs: span.fromMs,
      toMs: span.toMs + 1,
      role: 'live',
      predictions: [placeOf(first, 0), placeOf(last + 1, 0) - 1],
    })
    return rows.map(openSegmentRow)
  }

  const rowsBetween = async (
    endpoint: EndpointRow,
    { first, last, seqs, block }: Step,
  ): Promise<readonly OpenRow[]> => {
    if (last <= endpoint.sealed_seq) return sealedRows(endpoint, first, last)
    if (block?.packed != null) return rowsOfBlock(block, batchIn)
    // Requests of other endpoints have numbers between these.
    return seqs.flatMap((seq) => hot.between(placeOf(seq, 0), placeOf(seq + 1, 0) - 1))
  }

  const arrivals = async (
    name: string,
    { from, limit }: ArrivalQuery,
  ): Promise<{ rows: PredictionRow[]; next: number | null }> => {
    const endpoint = endpointNamed(name)
    const row = rowOfPlace(from)
    const seq = (from - row) / placeOf(1, 0)
    const step = endpoint && nextSeqs(endpoint.id, seq, limit)
    if (endpoint === undefined || step === undefined) return { rows: [], next: null }
    // A step is all of the log's own tables or all of segments.
    const last =
      step.first <= endpoint.sealed_seq ? Math.min(step.last, endpoint.sealed_seq) : step.last
    const all = (await rowsBetween(endpoint, { ...step, last }))
      .filter((each) => each.role === 'live' && each.place >= from)
      .toSorted((one, other) => one.place - other.place)
    const page = all.slice(0, limit)
    const more = all.length > page.length ? (page.at(-1) as OpenRow).place + 1 : undefined
    return { rows: labels.join(endpoint.id, page), next: more ?? placeOf(last + 1, 0) }
  }
  const newest = connection
    .prepare(
      `select max((select coalesce(max(seq), 0) from batches where endpoint = @endpoint),
         (select coalesce(max(last_seq), 0) from blocks where endpoint = @endpoint))`,
    )
    .pluck()
  return {
    arrivals,
    arrivalsEnd: async (name: string): Promise<number> => {
      const endpoint = endpointNamed(name)?.id
      return endpoint === undefined ? 0 : placeOf((newest.get({ endpoint }) as number) + 1, 0)
    },
  }
}

/** Finds the requests of the next step, by their numbers. */
function stepReader(connection: Connection) {
  const singles = connection.prepare(
    'select seq, rows from batches where endpoint = ? and seq >= ? and seq < ? order by seq limit ?',
  )
  const blockFrom = connection.prepare(
    'select * from blocks where endpoint = ? and last_seq >= ? order by last_seq limit 1',
  )
  return (endpoint: number, from: number, limit: number): Step | undefined => {
    const block = blockFrom.get(endpoint, from) as Block | undefined
    const before = block?.first_seq ?? Number.MAX_SAFE_INTEGER
    const found = singles.all(endpoint, from, before, REQUESTS_MAX) as {
      seq: number
      rows: number
    }[]
    let rows = 0
    const taken = found.filter((each, at) => at === 0 || (rows += each.rows) <= limit)
    const last = taken.at(-1)
    if (last !== undefined)
      return { first: from, last: last.seq, seqs: taken.map((each) => each.seq), block: undefined }
    const { first_seq: first = 0, last_seq: end = 0 } = block ?? {}
    return block && { first: Math.max(from, first), last: end, seqs: [], block }
  }
}
