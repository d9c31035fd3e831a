import { createReadStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { invariant } from '#base/invariant'
import type { JournalSource } from '#inference'
import type { ObjectStore } from '#objects'
import type {
  NumberedBatch,
  OpenSegment,
  SegmentFiles,
  SegmentKind,
  SegmentRow,
  SegmentSealing,
  TruthRow,
  WrittenSegment,
} from '#serving'
import { thinBlocks } from './blocks.ts'
import { placeOf, type Connection } from './database.ts'
import type { NameTable } from './names.ts'
import { numberPages, segmentPages } from './segment-pages.ts'

/** Batches that one step removes at a time, and no further ones after so many rows; others use the event loop between steps. */
const STEP = 20
const ROWS_STEP = 2000
const TRUTHS_STEP = 1000
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

/** How the records of blocks are read. */
export type BlockReader = Pick<JournalSource, 'batchIn' | 'outlineIn' | 'numbersIn'>

interface Dependencies {
  readonly reader: Connection
  readonly names: NameTable
  readonly source: BlockReader
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
  const { reader, source, commit, objects, files, folder } = dependencies
  const pages = segmentPages(reader, source.batchIn)
  const numbers = numberPages(reader, source.numbersIn)
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
          ? await writePredictions(files, path, {
              numbers: () => numbers(segment),
              rows: () => pages.predictions(segment),
            })
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
  means: Pick<Dependencies, 'names' | 'source'>,
): boolean {
  const endpoint = writer.prepare('select * from endpoints where name = ?').get(name) as
    | {
        id: number
        sealed_seq: number
        swept_seq: number
        sealed_truth_seq: number
        profiled_seq: number
      }
    | undefined
  if (endpoint === undefined) return false
  // What is in no profile yet is read from here.
  const sweepable = Math.min(endpoint.sealed_seq, endpoint.profiled_seq)
  const batches = writer
    .prepare(
      'select seq, rows from batches where endpoint = ? and seq > ? and seq <= ? order by seq limit ?',
    )
    .all(endpoint.id, endpoint.swept_seq, sweepable, STEP) as { seq: number; rows: number }[]
  let rows = 0
  const seqs = batches.filter((batch) => (rows += batch.rows) - batch.rows < ROWS_STEP)
  const dropInputs = writer.prepare('delete from inputs where place >= ? and place < ?')
  const dropAnswers = writer.prepare('delete from answers where place >= ? and place < ?')
  for (const { seq } of seqs) {
    dropInputs.run(placeOf(seq, 0), placeOf(seq + 1, 0))
    dropAnswers.run(placeOf(seq, 0), placeOf(seq + 1, 0))
  }
  const last = seqs.at(-1)?.seq
  if (last !== undefined)
    writer.prepare('update endpoints set swept_seq = ? where id = ?').run(last, endpoint.id)
  const truths = writer
    .prepare(
      'delete from truth_log where seq in (select seq from truth_log where endpoint = ? and seq <= ? limit ?)',
    )
    .run(endpoint.id, endpoint.sealed_truth_seq, TRUTHS_STEP)
  const thinned = thinBlocks(writer, { names: means.names, outlineIn: means.source.outlineIn })(
    endpoint.id,
    sweepable,
    BLOCKS_STEP,
  )
  return (
    seqs.length < batches.length ||
    batches.length === STEP ||
    thinned === BLOCKS_STEP ||
    truths.changes === TRUTHS_STEP
  )
}

interface Spanned {
  rows: number
  fromMs: number
  toMs: number
}

/** As numbers where all of them are, or else row by row. */
async function writePredictions(
  files: SegmentFiles,
  path: string,
  read: {
    numbers: () => AsyncIterable<readonly NumberedBatch[] | undefined>
    rows: () => AsyncIterable<readonly SegmentRow[]>
  },
): Promise<Spanned> {
  const span = nothing()
  const spanned = async function* () {
    for await (const page of read.numbers()) {
      for (const { batch } of page ?? []) {
        const stride = batch.columns.length + 1
        span.rows += batch.rows
        for (let at = 0; at < batch.inputs.length; at += stride)
          widen(span, batch.inputs[at] as number)
      }
      yield page
    }
  }
  if (await files.writeNumbers(spanned(), path)) return span
  return writeSpanned(
    (rows: () => AsyncIterable<readonly SegmentRow[]>) => files.writePredictions(rows, path),
    read.rows,
    ({ eventMs }) => eventMs,
  )
}

function nothing(): Spanned {
  return { rows: 0, fromMs: Number.MAX_SAFE_INTEGER, toMs: Number.MIN_SAFE_INTEGER }
}

function widen(span: Spanned, timeMs: number): void {
  if (timeMs < span.fromMs) span.fromMs = timeMs
  if (timeMs > span.toMs) span.toMs = timeMs
}

/** Writes pages and gives how many rows they had and the time they span. */
async function writeSpanned<Row>(
  write: (rows: () => AsyncIterable<readonly Row[]>) => Promise<void>,
  pages: () => AsyncIterable<readonly Row[]>,
  timeOf: (row: Row) => number,
): Promise<Spanned> {
  let span = nothing()
  await write(async function* () {
    span = nothing()
    for await (const page of pages()) {
      span.rows += page.length
      for (const row of page) widen(span, timeOf(row))
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
