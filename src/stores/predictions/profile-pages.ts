import { setImmediate as nextTurn } from 'node:timers/promises'
import type { JournalSource } from '#inference'
import type { SegmentFilter } from '#serving'
import { recordsIn } from './block-codec.ts'
import { nextBlock } from './block-rows.ts'
import { placeOf, type Connection } from './database.ts'
import { addBatch, addNamed, addNumeric, type HourCounter } from './profile-hours.ts'
import { singlePages } from './segment-pages.ts'
import type { SegmentReader } from './segment-reader.ts'

/** Requests that are read at a time; others use the event loop between two pieces. */
const STEP = 20

/** And no further requests after so many rows. */
const TURN_ROWS = 1000
/** Rows of a segment. */
const SEGMENT_PAGE = 20_000

interface Means {
  readonly reader: Connection
  readonly source: Pick<JournalSource, 'batchIn' | 'numbersIn'>
  readonly segments: SegmentReader
}

/** Reads rows that no profile has yet, in the order they came, wherever they lie. */
export function profilePages({ reader, source, segments }: Means) {
  const blockAfter = nextBlock(reader)
  const singles = singlePages(reader, 'live')
  const removed = reader
    .prepare(
      `select max((select swept_seq from endpoints where id = @endpoint),
         (select coalesce(max(last_seq), 0) from blocks where endpoint = @endpoint and packed is null))`,
    )
    .pluck()
  const segmentAfter = reader.prepare(
    `select last_seq, from_ms, to_ms from segments where endpoint = ? and kind = 'predictions' and state = 'finished' and last_seq > ?
     order by last_seq limit 1`,
  )

  /** Rows that left the log's own tables before there were profiles. */
  const ofSegment = async (
    endpoint: number,
    after: number,
    into: HourCounter,
  ): Promise<number | undefined> => {
    const segment = segmentAfter.get(endpoint, after) as
      | { last_seq: number; from_ms: number; to_ms: number }
      | undefined
    if (segment === undefined) return undefined
    for (let behind: SegmentFilter['after']; ;) {
      // oxlint-disable-next-line no-await-in-loop -- a page begins behind the one before
      const rows = await segments.rows(endpoint, segment.last_seq, {
        fromMs: segment.from_ms,
        toMs: segment.to_ms + 1,
        role: 'live',
        predictions: [placeOf(after + 1, 0), placeOf(segment.last_seq + 1, 0) - 1],
        after: behind,
        limit: SEGMENT_PAGE,
      })
      for (const row of rows) addNamed(into, row)
      const last = rows.at(-1)
      if (last === undefined || rows.length < SEGMENT_PAGE) return segment.last_seq
      behind = [last.eventMs, last.prediction, last.revision]
    }
  }

  return {
    /** Adds the next rows behind a number; gives the number reached, or undefined at the end. */
    next: async (
      endpoint: number,
      after: number,
      into: HourCounter,
    ): Promise<number | undefined> => {
      if (after < (removed.get({ endpoint }) as number)) return ofSegment(endpoint, after, into)
      const block = blockAfter(endpoint, after, Number.MAX_SAFE_INTEGER)
      const upTo = (block?.first_seq ?? Number.MAX_SAFE_INTEGER) - 1
      const { rows } = into
      let last: number | undefined
      for (const batch of singles.next(endpoint, after, upTo, STEP)) {
        // Requests of thousands of rows are told from elsewhere: between them others have their turn.
        if (into.rows - rows >= TURN_ROWS) break
        for (const page of singles.rows(batch)) {
          for (const row of page) addNamed(into, row)
          // oxlint-disable-next-line no-await-in-loop -- others have their turn
          if (batch.rows > TURN_ROWS) await nextTurn()
        }
        last = batch.seq
      }
      if (last !== undefined || block === undefined) return last
      for (const record of recordsIn(block)) addRecord(into, record, source)
      return block.last_seq
    },
  }
}

function addRecord(
  into: HourCounter,
  record: Uint8Array,
  { numbersIn, batchIn }: Pick<JournalSource, 'batchIn' | 'numbersIn'>,
): void {
  const numbers = numbersIn(record)
  if (numbers === undefined) addBatch(into, batchIn(record))
  else addNumeric(into, numbers)
}
