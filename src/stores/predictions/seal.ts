import { createReadStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { invariant } from '#base/invariant'
import type { JournalSource } from '#inference'
import type { ObjectStore } from '#objects'
import type {
  OpenSegment,
  SegmentFiles,
  SegmentKind,
  SegmentRow,
  SegmentSealing,
  TruthRow,
  WrittenSegment,
} from '#serving'
import { nextBlock, rowsOfBlock } from './block-rows.ts'
import { thinBlocks } from './blocks.ts'
import { placeOf, type Connection } from './database.ts'
import type { NameTable } from './names.ts'
import { rowReader, segmentRowOf, type HotRow } from './rows.ts'

/** Batches or truths that one step reads or removes at a time; others use the event loop between steps. */
const STEP = 20
const BLOCKS_STEP = 4

interface SegmentColumns {
  readonly id: string
  readonly endpoint: number
  readonly name: string
  readonly kind: SegmentKind
  readonly first_seq: number
  readonly last_seq: number
  readonly state: 'begun' | 'written' | 'finished'
  readonly digest: string | null
  readonly rows: number | null
  readonly from_ms: number | null
  readonly to_ms: number | null
}

interface Dependencies {
  readonly reader: Connection
  readonly names: NameTable
  readonly batchIn: JournalSource['batchIn']
  readonly commit: <T>(work: (writer: Connection) => T) => Promise<T>
  readonly objects: ObjectStore
  readonly files: SegmentFiles
  readonly folder: string
}

/** The steps of sealing over the log's file; see `SegmentSealing` for what each of them promises. */
export function sealing(dependencies: Dependencies): SegmentSealing {
  const { reader, commit } = dependencies
  const underWay = reader.prepare(
    `select s.id, e.name as endpoint, s.kind from segments s join endpoints e on e.id = s.endpoint
     where s.state <> 'finished' order by s.id`,
  )

  return {
    underWay: async () => underWay.all() as OpenSegment[],
    begin: (endpoint, kind) => commit((writer) => begin(writer, endpoint, kind)),
    write: segmentWriter(dependencies),
    finish: ({ id, kind }) =>
      commit((writer) => {
        writer.prepare(`update segments set state = 'finished' where id = ?`).run(id)
        const column = kind === 'predictions' ? 'sealed_seq' : 'sealed_truth_seq'
        writer
          .prepare(
            `update endpoints set ${column} = max(${column}, (select last_seq from segments where id = @id))
             where id = (select endpoint from segments where id = @id)`,
          )
          .run({ id })
      }),
    sweep: (endpoint) => commit((writer) => sweep(writer, endpoint, dependencies)),
  }
}

/** Writes a segment's rows into an object, and remembers which. */
function segmentWriter(dependencies: Dependencies): SegmentSealing['write'] {
  const { reader, batchIn, commit, objects, files, folder } = dependencies
  const pages = segmentPages(reader, batchIn)
  const select = reader.prepare(
    'select s.*, e.name from segments s join endpoints e on e.id = s.endpoint where s.id = ?',
  )
  const find = (id: string) => select.get(id) as SegmentColumns | undefined
  return async (open) => {
    const segment = find(open.id)
    invariant(segment !== undefined, 'a segment is begun before it is written')
    if (segment.state !== 'begun') return writtenOf(segment)
    await mkdir(folder, { recursive: true })
    const path = join(folder, `${open.id.replaceAll(/[^\w-]/g, '_')}.parquet`)
    try {
      await rm(path, { force: true })
      const span =
        segment.kind === 'predictions'
          ? await writeSpanned(
              (rows: () => AsyncIterable<readonly SegmentRow[]>) =>
                files.writePredictions(rows, path),
              () => pages.predictions(segment),
              ({ eventMs }) => eventMs,
            )
          : await writeSpanned(
              (rows: () => AsyncIterable<readonly TruthRow[]>) => files.writeTruths(rows, path),
              () => pages.truths(segment),
              ({ atMs }) => atMs,
            )
      const { digest } = await objects.put(createReadStream(path))
      await commit((writer) =>
        writer
          .prepare(
            `update segments set state = 'written', digest = ?, rows = ?, from_ms = ?, to_ms = ? where id = ? and state = 'begun'`,
          )
          .run(digest, span.rows, span.fromMs, span.toMs, open.id),
      )
    } finally {
      await rm(path, { force: true })
    }
    return writtenOf(find(open.id) as SegmentColumns)
  }
}

/** The segment that is under way, or a new one of all rows that are not in any. */
function begin(writer: Connection, name: string, kind: SegmentKind): OpenSegment | undefined {
  const endpoint = writer.prepare('select * from endpoints where name = ?').get(name) as
    | { id: number; sealed_seq: number; sealed_truth_seq: number }
    | undefined
  if (endpoint === undefined) return undefined
  const underWay = writer
    .prepare(
      `select id from segments where endpoint = ? and kind = ? and state <> 'finished' limit 1`,
    )
    .pluck()
    .get(endpoint.id, kind) as string | undefined
  if (underWay !== undefined) return { id: underWay, endpoint: name, kind }
  const table =
    kind === 'predictions'
      ? `(select endpoint, seq from batches union all
          select endpoint, first_seq from blocks union all select endpoint, last_seq from blocks)`
      : 'truth_log'
  const sealed = kind === 'predictions' ? endpoint.sealed_seq : endpoint.sealed_truth_seq
  const span = writer
    .prepare(
      `select min(seq) as first, max(seq) as last from ${table} where endpoint = ? and seq > ?`,
    )
    .get(endpoint.id, sealed) as { first: number | null; last: number | null }
  if (span.first === null || span.last === null) return undefined
  const id = `${name}/${kind}/${span.first}`
  writer
    .prepare(
      `insert into segments (id, endpoint, kind, first_seq, last_seq, state) values (?, ?, ?, ?, ?, 'begun')`,
    )
    .run(id, endpoint.id, kind, span.first, span.last)
  return { id, endpoint: name, kind }
}

/** Removes some of what is read from segments; true when there may be more. */
function sweep(
  writer: Connection,
  name: string,
  means: Pick<Dependencies, 'names' | 'batchIn'>,
): boolean {
  const endpoint = writer.prepare('select * from endpoints where name = ?').get(name) as
    | { id: number; sealed_seq: number; swept_seq: number; sealed_truth_seq: number }
    | undefined
  if (endpoint === undefined) return false
  const seqs = writer
    .prepare(
      'select seq from batches where endpoint = ? and seq > ? and seq <= ? order by seq limit ?',
    )
    .pluck()
    .all(endpoint.id, endpoint.swept_seq, endpoint.sealed_seq, STEP) as number[]
  const dropInputs = writer.prepare('delete from inputs where place >= ? and place < ?')
  const dropAnswers = writer.prepare('delete from answers where place >= ? and place < ?')
  for (const seq of seqs) {
    dropInputs.run(placeOf(seq, 0), placeOf(seq + 1, 0))
    dropAnswers.run(placeOf(seq, 0), placeOf(seq + 1, 0))
  }
  const last = seqs.at(-1)
  if (last !== undefined)
    writer.prepare('update endpoints set swept_seq = ? where id = ?').run(last, endpoint.id)
  const truths = writer
    .prepare(
      'delete from truth_log where seq in (select seq from truth_log where endpoint = ? and seq <= ? limit ?)',
    )
    .run(endpoint.id, endpoint.sealed_truth_seq, STEP * 50)
  const thinned = thinBlocks(writer, means)(endpoint.id, endpoint.sealed_seq, BLOCKS_STEP)
  return seqs.length === STEP || thinned === BLOCKS_STEP || truths.changes === STEP * 50
}

/** The rows of a segment in the order they came, a page at a time. */
function segmentPages(reader: Connection, batchIn: JournalSource['batchIn']) {
  const blockAfter = nextBlock(reader)
  const open = rowReader(reader)
  const nextBatches = reader
    .prepare(
      'select seq from batches where endpoint = ? and seq > ? and seq <= ? order by seq limit ?',
    )
    .pluck()
  const rowsOf = reader.prepare(
    `select s.place, b.id as batch, b.layout, a.revision, r.number, s.event_ms, b.at_ms, b.latency_ms, s.key, i.inputs, a.outputs
     from batches b
     join subjects s on s.place >= b.seq << 20 and s.place < (b.seq + 1) << 20
     join inputs i on i.place = s.place
     join answers a on a.place = s.place
     join revisions r on r.id = a.revision
     where b.seq = ? order by s.place, r.number`,
  )
  const nextTruths = reader.prepare(
    `select seq, kind as by, ref, label, time_ms as timeMs, at_ms as atMs from truth_log
     where endpoint = ? and seq > ? and seq <= ? order by seq limit ?`,
  )
  return {
    predictions: async function* (segment: SegmentColumns): AsyncGenerator<SegmentRow[]> {
      let after = segment.first_seq - 1
      for (;;) {
        const block = blockAfter(segment.endpoint, after, segment.last_seq)
        const upTo = block === undefined ? segment.last_seq : block.first_seq
        const seqs = nextBatches.all(segment.endpoint, after, upTo, STEP) as number[]
        if (seqs.length > 0) {
          yield seqs.flatMap((seq) =>
            (rowsOf.all(seq) as HotRow[]).map((row) => segmentRowOf(open.open(row))),
          )
          after = seqs.at(-1) as number
        } else if (block === undefined) return
        else {
          yield rowsOfBlock(block, batchIn).map(segmentRowOf)
          after = block.last_seq
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    truths: async function* (segment: SegmentColumns): AsyncGenerator<TruthRow[]> {
      let after = segment.first_seq - 1
      for (;;) {
        const rows = nextTruths.all(segment.endpoint, after, segment.last_seq, STEP * 50) as (Omit<
          TruthRow,
          'label'
        > & { seq: number; label: string })[]
        if (rows.length === 0) return
        yield rows.map(({ by, ref, label, timeMs, atMs }) => ({
          by,
          ref,
          label: JSON.parse(label) as TruthRow['label'],
          timeMs,
          atMs,
        }))
        after = (rows.at(-1) as { seq: number }).seq
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

/** Writes pages and gives how many rows they had and the time they span. */
async function writeSpanned<Row>(
  write: (rows: () => AsyncIterable<readonly Row[]>) => Promise<void>,
  pages: () => AsyncIterable<readonly Row[]>,
  timeOf: (row: Row) => number,
): Promise<{ rows: number; fromMs: number; toMs: number }> {
  let span = { rows: 0, fromMs: 0, toMs: 0 }
  await write(async function* () {
    span = { rows: 0, fromMs: Number.MAX_SAFE_INTEGER, toMs: Number.MIN_SAFE_INTEGER }
    for await (const page of pages()) {
      span.rows += page.length
      for (const row of page) {
        span.fromMs = Math.min(span.fromMs, timeOf(row))
        span.toMs = Math.max(span.toMs, timeOf(row))
      }
      yield page
    }
  })
  return span
}

function writtenOf(segment: SegmentColumns): WrittenSegment {
  const { id, name: endpoint, kind, digest, rows, from_ms: fromMs, to_ms: toMs } = segment
  invariant(
    digest !== null && rows !== null && fromMs !== null && toMs !== null,
    'a written segment knows its object',
  )
  return { id, endpoint, kind, digest, rows, fromMs, toMs }
}
