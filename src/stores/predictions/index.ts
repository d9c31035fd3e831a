import { join } from 'node:path'
import type { Logger } from '#base/logger'
import { Problem } from '#base/problem'
import type { JournalSource } from '#inference'
import type { ObjectStore } from '#objects'
import type { PredictionLog, SegmentFiles, SegmentKind } from '#serving'
import { appender } from './append.ts'
import { blockFinder } from './block-codec.ts'
import { calm } from './calm.ts'
import { openDatabase, problemOf, type Connection } from './database.ts'
import { feedbackKeeper } from './feedback.ts'
import { groupCommit } from './group-commit.ts'
import { ingestion } from './ingest.ts'
import { nameTable } from './names.ts'
import { profilePages } from './profile-pages.ts'
import { profiling } from './profiles.ts'
import { queries } from './query.ts'
import { sealing } from './seal.ts'
import { segmentReader, type SegmentReader } from './segment-reader.ts'
import { taker } from './take.ts'
import { toldKeeper } from './told.ts'
import { toldProfileKeeper, toldProfileReader } from './told-profiles.ts'
import { predictionIn, truthKeeper } from './truths.ts'

export { openRecorded } from './recorded.ts'

/** So long sealing lets answers go first; then it goes on beside them. */
const SEALING_WAITS_MS = 60_000

interface Dependencies {
  readonly file: string
  /** Where segments are written and read; may be lost. */
  readonly folder: string
  readonly objects: ObjectStore
  readonly files: SegmentFiles
  /** What other processes have answered; it is taken over in the background, and before a question. */
  readonly journal?: { source: JournalSource; logger: Logger }
}

/**
 * The prediction log in a SQLite file of its own, apart from the metadata: it takes many more writes, and
 * goes on while the other is away. Sealed rows are Parquet in the object store.
 */
export function openPredictionLog(dependencies: Dependencies): PredictionLog {
  const parts = partsOf(dependencies)
  const { reader, source, commit, open, growth, ingesting, close } = parts
  const { objects, files, folder, journal } = dependencies
  const segments = segmentReader(reader, { objects, files, folder: join(folder, 'read') })
  const profiles = profiling({
    reader,
    pages: profilePages({ reader, source, segments }),
    commit,
    onGrowth: growth.listen,
    logger: journal?.logger,
  })
  const told = toldProfileReader(reader)
  return {
    ...questionsOf(parts, segments),
    profiles: async function* (endpoint, span) {
      await ingesting?.catchUp()
      yield* told(endpoint, span, profiles.profiles(endpoint, span))
    },
    ...writesOf(parts),
    full: async (rows) => open.atLeast(rows),
    sealing: sealingOf(parts, dependencies, profiles.calmly),
    onGrowth: growth.listen,
    close: async () => {
      await ingesting?.stop()
      await profiles.stop()
      await close()
    },
  }
}

/** The connections, and what keeps them in step. */
function partsOf({ file, journal }: Dependencies) {
  const { writer, reader } = openDatabase(file)
  const names = nameTable(writer)
  const source = journal?.source ?? { batchIn: unread, outlineIn: unread, numbersIn: unread }
  const { batchIn } = source
  const adding = appender(writer, names, batchIn)
  const onRollback = () => {
    names.forget()
    adding.forget()
  }
  const group = groupCommit(writer, onRollback)
  const truths = truthKeeper(writer, names, source.outlineIn)
  const feedback = feedbackKeeper(writer, names, { truths, open: adding.open })
  const elsewhere = toldKeeper(writer, names, { add: adding.add, settle: adding.settle, truths })
  const toldProfile = toldProfileKeeper(writer, names, adding.advance)
  const open = openCounts(reader)
  const growth = growthOf()
  let closed = false

  const commit = async <T>(work: (connection: Connection) => T): Promise<T> => {
    if (closed) throw new Problem('unavailable', 'the server is stopping; try again')
    try {
      return await group.commit(() => work(writer))
    } catch (error) {
      throw problemOf(error) ?? error
    }
  }
  const ingesting =
    journal &&
    ingestion({
      ...journal,
      writer,
      onRollback,
      take: taker({ ...adding, batchIn, feedback: feedback.record, logger: journal.logger }),
      onTaken: (added) => {
        for (const { endpoint, kind, rows } of added) {
          open.add(endpoint, kind, rows)
          growth.tell(endpoint)
        }
      },
    })
  const close = async () => {
    closed = true
    await group.drained()
    reader.close()
    writer.close()
  }
  return {
    reader,
    names,
    source,
    commit,
    adding,
    truths,
    feedback,
    elsewhere,
    toldProfile,
    open,
    growth,
    ingesting,
    close,
  }
}

type Parts = ReturnType<typeof partsOf>

/** Questions, each of which first takes over what was answered before it. */
function questionsOf(
  { reader, source: { batchIn }, commit, adding, feedback, ingesting }: Parts,
  segments: SegmentReader,
) {
  const asked = queries(reader, { segments, batchIn })
  const mayHold = blockFinder(reader)
  const opened = async (batch: string): Promise<void> => {
    if (mayHold(batch).length > 0) await commit(() => adding.open(batch))
  }
  const caughtUp =
    <Question extends unknown[], T>(ask: (...question: Question) => Promise<T>) =>
    async (...question: Question): Promise<T> => {
      await ingesting?.catchUp()
      return ask(...question)
    }
  return {
    ...asked,
    soFar: { watermark: asked.watermark, summaries: asked.summaries },
    window: caughtUp(asked.window),
    newest: caughtUp(asked.newest),
    arrivals: caughtUp(asked.arrivals),
    arrivalsEnd: caughtUp(asked.arrivalsEnd),
    summaries: caughtUp(asked.summaries),
    find: caughtUp(async (id: string, endpoint?: string) => {
      const parts = predictionIn(id)
      if (parts !== undefined) await opened(parts.batch)
      return asked.find(id, endpoint)
    }),
    findBatch: caughtUp(async (id: string) => {
      await opened(id)
      return asked.findBatch(id)
    }),
    watermark: caughtUp(asked.watermark),
    rewards: caughtUp((endpoint: string, query: { sinceMs: number }) =>
      commit(() => feedback.rewards(endpoint, query)),
    ),
  }
}

function writesOf({
  commit,
  adding,
  truths,
  feedback,
  elsewhere,
  toldProfile,
  open,
  growth,
  ingesting,
}: Parts): Pick<
  PredictionLog,
  | 'append'
  | 'appendLate'
  | 'skip'
  | 'recordTold'
  | 'recordToldProfile'
  | 'recordFeedback'
  | 'recordTruths'
  | 'advance'
> {
  return {
    append: async (batch) => {
      await commit(() => adding.append(batch))
      open.add(batch.endpoint, 'predictions', batch.rows.length)
      growth.tell(batch.endpoint)
    },
    appendLate: (batch, answers) => commit(() => adding.appendLate(batch, answers)),
    skip: (endpoint, predictions, atMs) => {
      void commit(() => adding.skip(endpoint, predictions, atMs)).catch(() => undefined)
    },
    recordTold: async (all, atMs) => {
      const { counts, added } = await commit(() => elsewhere.record(all, atMs))
      for (const { endpoint, kind, rows } of added) {
        open.add(endpoint, kind, rows)
        growth.tell(endpoint)
      }
      return counts
    },
    recordToldProfile: async (told) => {
      const recorded = await commit(() => toldProfile(told))
      growth.tell(told.endpoint)
      return recorded
    },
    recordFeedback: async (endpoint, told, atMs) => {
      await ingesting?.catchUp()
      const recorded = await commit(() => feedback.record(endpoint, told, atMs))
      open.add(endpoint, 'truths', recorded.labels)
      growth.tell(endpoint)
      return recorded.outcome
    },
    recordTruths: async (endpoint, reported, atMs) => {
      await ingesting?.catchUp()
      const recorded = await commit(() => truths.record(endpoint, reported, atMs))
      open.add(endpoint, 'truths', recorded.accepted + recorded.replaced)
      growth.tell(endpoint)
      return recorded
    },
    advance: async (endpoint, timeMs) => {
      await ingesting?.catchUp()
      const reachedMs = await commit(() => adding.advance(endpoint, timeMs))
      growth.tell(endpoint)
      return reachedMs
    },
  }
}

function sealingOf(
  { reader, names, source, commit, open }: Parts,
  { objects, files, folder, journal }: Dependencies,
  profiled: (endpoint: string, signal?: AbortSignal) => Promise<void>,
): PredictionLog['sealing'] {
  const steps = sealing({
    reader,
    names,
    source,
    commit,
    objects,
    files,
    folder: join(folder, 'write'),
  })
  return {
    ...steps,
    begin: async (endpoint, kind, signal) => {
      if (journal !== undefined) await calm(journal.source, { mostMs: SEALING_WAITS_MS, signal })
      return steps.begin(endpoint, kind)
    },
    finish: async (segment) => {
      await steps.finish(segment)
      open.recount()
    },
    sweep: async (endpoint, signal) => {
      await profiled(endpoint, signal)
      return steps.sweep(endpoint)
    },
  }
}

/** Blocks are made of what a journal holds, and read with it. */
function unread(): never {
  throw new Error('a log without a journal has blocks of batches')
}

function growthOf() {
  const listeners = new Set<(endpoint: string) => void>()
  return {
    tell: (endpoint: string): void => {
      for (const listener of listeners) listener(endpoint)
    },
    listen: (listener: (endpoint: string) => void): (() => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** How many rows are in no segment yet, by endpoint: counted once, then kept up. */
function openCounts(reader: Connection) {
  const countPredictions = reader.prepare(
    `select e.name, sum(b.rows) as rows from
       (select endpoint, seq, rows from batches union all select endpoint, last_seq, rows from blocks) b
     join endpoints e on e.id = b.endpoint where b.seq > e.sealed_seq group by e.id`,
  )
  const countTruths = reader.prepare(
    `select e.name, count(*) as rows from truth_log t join endpoints e on e.id = t.endpoint
     where t.seq > e.sealed_truth_seq group by e.id`,
  )
  const counts = new Map<string, { endpoint: string; kind: SegmentKind; rows: number }>()
  const add = (endpoint: string, kind: SegmentKind, rows: number) => {
    const count = counts.get(`${kind} ${endpoint}`) ?? { endpoint, kind, rows: 0 }
    count.rows += rows
    counts.set(`${kind} ${endpoint}`, count)
  }
  const recount = () => {
    counts.clear()
    for (const each of countPredictions.all() as { name: string; rows: number }[])
      add(each.name, 'predictions', each.rows)
    for (const each of countTruths.all() as { name: string; rows: number }[])
      add(each.name, 'truths', each.rows)
  }
  recount()
  return {
    add,
    recount,
    atLeast: (rows: number) =>
      [...counts.values()]
        .filter((count) => count.rows >= rows)
        .map(({ endpoint, kind }) => ({ endpoint, kind })),
  }
}
