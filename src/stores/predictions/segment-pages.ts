import { setImmediate as nextTurn } from 'node:timers/promises'
import type { JournalSource } from '#inference'
import type { NumberedBatch, SegmentRow, TruthRow } from '#serving'
import { recordsIn, type Block } from './block-codec.ts'
import { nextBlock, rowsOfBlock } from './block-rows.ts'
import { placeOf, type Connection } from './database.ts'
import { rowReader, segmentRowOf, type HotRow, type OpenRow } from './rows.ts'

/** Truths that one step reads at a time; others use the event loop between steps. */
const TRUTHS_STEP = 1000

/** Predictions of one step; what other systems tell of in one request may be thousands. */
const ROWS_STEP = 500

/** Batches whose numbers are read at a time. */
const BATCHES_STEP = 200

/** Which rows a segment holds. */
interface Span {
  readonly endpoint: number
  readonly first_seq: number
  readonly last_seq: number
}

/** Rows of one batch that lies in tables of its own; what follows may narrow and order them. */
const ROWS_OF_BATCH = `select s.place, b.id as batch, b.layout, a.revision, r.number, s.event_ms, b.at_ms, b.latency_ms, s.key, i.inputs, a.outputs
     from batches b
     join subjects s on s.place between @first and @last
     join inputs i on i.place = s.place
     join answers a on a.place = s.place
     join revisions r on r.id = a.revision
     where b.seq = @seq`

/** Batches that lie in tables of their own, a few rows at a time. */
export function singlePages(reader: Connection, role?: 'live') {
  const { open } = rowReader(reader)
  const next = reader.prepare(
    'select seq, rows from batches where endpoint = ? and seq > ? and seq <= ? order by seq limit ?',
  )
  const rowsOf = reader.prepare(
    `${ROWS_OF_BATCH} ${role === undefined ? '' : `and r.role = '${role}'`} order by s.place, r.number`,
  )
  return {
    /** The next batches behind a number and up to another. */
    next: (endpoint: number, after: number, upTo: number, most: number) =>
      next.all(endpoint, after, upTo, most) as { seq: number; rows: number }[],
    /** Pages with all rows of a batch. */
    *rows({ seq, rows }: { seq: number; rows: number }): Generator<OpenRow[]> {
      for (let row = 0; row < rows; row += ROWS_STEP) {
        const places = { first: placeOf(seq, row), last: placeOf(seq, row + ROWS_STEP - 1) }
        yield (rowsOf.all({ seq, ...places }) as HotRow[]).map(open)
      }
    },
  }
}

/** The rows of a segment in the order they came, a page at a time. */
export function segmentPages(reader: Connection, batchIn: JournalSource['batchIn']) {
  const blockAfter = nextBlock(reader)
  const singles = singlePages(reader)
  const nextTruths = reader.prepare(
    `select seq, kind as by, ref, label, time_ms as timeMs, at_ms as atMs from truth_log
     where endpoint = ? and seq > ? and seq <= ? order by seq limit ?`,
  )
  return {
    predictions: async function* (segment: Span): AsyncGenerator<SegmentRow[]> {
      let after = segment.first_seq - 1
      for (;;) {
        const block = blockAfter(segment.endpoint, after, segment.last_seq)
        const upTo = block === undefined ? segment.last_seq : block.first_seq
        const batches = singles.next(segment.endpoint, after, upTo, BATCHES_STEP)
        if (batches.length > 0) {
          yield* inTurns(batches, singles.rows)
          after = batches.at(-1)?.seq as number
        } else if (block === undefined) return
        else {
          yield rowsOfBlock(block, batchIn).map(segmentRowOf)
          after = block.last_seq
          await nextTurn()
        }
      }
    },
    truths: async function* (segment: Span): AsyncGenerator<TruthRow[]> {
      let after = segment.first_seq - 1
      for (;;) {
        const rows = nextTruths.all(
          segment.endpoint,
          after,
          segment.last_seq,
          TRUTHS_STEP,
        ) as (Omit<TruthRow, 'label'> & { seq: number; label: string })[]
        if (rows.length === 0) return
        yield rows.map(({ by, ref, label, timeMs, atMs }) => ({
          by,
          ref,
          label: JSON.parse(label) as TruthRow['label'],
          timeMs,
          atMs,
        }))
        after = (rows.at(-1) as { seq: number }).seq
        await nextTurn()
      }
    },
  }
}

/** The rows of batches, some at a time; between them others have their turn. */
async function* inTurns<Batch>(
  batches: readonly Batch[],
  rowsOf: (batch: Batch) => Iterable<readonly OpenRow[]>,
): AsyncGenerator<SegmentRow[]> {
  let page: SegmentRow[] = []
  for (const batch of batches)
    for (const rows of rowsOf(batch)) {
      for (const row of rows) page.push(segmentRowOf(row))
      if (page.length < ROWS_STEP) continue
      yield page
      page = []
      await nextTurn()
    }
  if (page.length > 0) yield page
}

/** The same by numbers, block by block; undefined, once, where that cannot be. */
export function numberPages(reader: Connection, numbersIn: JournalSource['numbersIn']) {
  const blockAfter = nextBlock(reader)
  const single = reader.prepare(
    'select 1 from batches where endpoint = ? and seq between ? and ? limit 1',
  )
  return async function* (segment: Span): AsyncGenerator<readonly NumberedBatch[] | undefined> {
    const { endpoint, first_seq: first, last_seq: last } = segment
    if (single.get(endpoint, first, last) !== undefined) {
      yield undefined
      return
    }
    for (let after = first - 1; ;) {
      const block = blockAfter(endpoint, after, last)
      if (block === undefined) return
      yield numbersOf(block, numbersIn)
      after = block.last_seq
      await nextTurn()
    }
  }
}

function numbersOf(
  block: Block,
  numbersIn: JournalSource['numbersIn'],
): readonly NumberedBatch[] | undefined {
  const batches: NumberedBatch[] = []
  for (const [index, record] of recordsIn(block).entries()) {
    const batch = numbersIn(record)
    if (batch === undefined) return undefined
    batches.push({ place: placeOf(block.first_seq + index, 0), batch })
  }
  return batches
}
