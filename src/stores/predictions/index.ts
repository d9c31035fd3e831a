import { join } from 'node:path'
import type { Logger } from '#base/logger'
import { Problem } from '#base/problem'
import type { JournalSource } from '#inference'
import type { ObjectStore } from '#objects'
import type { PredictionLog, SegmentFiles, SegmentKind } from '#serving'
import { appender } from './append.ts'
import { openDatabase, type Connection } from './database.ts'
import { feedbackKeeper } from './feedback.ts'
import { groupCommit } from './group-commit.ts'
import { ingestion } from './ingest.ts'
import { nameTable } from './names.ts'
import { queries } from './query.ts'
import { sealing } from './seal.ts'
import { segmentReader } from './segment-reader.ts'
import { taker } from './take.ts'
import { truthKeeper } from './truths.ts'

export { openRecorded } from './recorded.ts'

/**
 * The prediction log in a SQLite file of its own, apart from the metadata: it takes many more writes, and
 * goes on while the other is away. Sealed rows are Parquet in the object store.
 */
export function openPredictionLog(dependencies: {
  file: string
  /** Where segments are written and read; may be lost. */
  folder: string
  objects: ObjectStore
  files: SegmentFiles
  /** What other processes have answered; it is taken over in the background, and before a question. */
  journal?: { source: JournalSource; logger: Logger }
}): PredictionLog {
  const { file, folder, objects, files, journal } = dependencies
  const { writer, reader } = openDatabase(file)
  const names = nameTable(writer)
  const group = groupCommit(writer, () => {
    names.forget()
    adding.forget()
  })
  const adding = appender(writer, names)
  const { append, appendLate, skip, advance } = adding
  const truths = truthKeeper(writer, names)
  const feedback = feedbackKeeper(writer, names, truths)
  const asked = queries(
    reader,
    segmentReader(reader, { objects, files, folder: join(folder, 'read') }),
  )
  const open = openCounts(reader)
  const listeners = new Set<(endpoint: string) => void>()
  let closed = false

  const commit = <T>(work: (connection: Connection) => T): Promise<T> =>
    closed
      ? Promise.reject(new Problem('unavailable', 'the server is stopping; try again'))
      : group.commit(() => work(writer))
  const grown = (endpoint: string) => {
    for (const listener of listeners) listener(endpoint)
  }

  const ingesting =
    journal &&
    ingestion({
      ...journal,
      writer,
      onRollback: () => {
        names.forget()
        adding.forget()
      },
      take: taker({ ...adding, feedback: feedback.record, logger: journal.logger }),
      onTaken: (added) => {
        for (const { endpoint, kind, rows } of added) {
          open.add(endpoint, kind, rows)
          grown(endpoint)
        }
      },
    })
  /** A question that first takes over what was answered before it. */
  const caughtUp =
    <Asked extends unknown[], T>(ask: (...asked: Asked) => Promise<T>) =>
    async (...asked: Asked): Promise<T> => {
      await ingesting?.catchUp()
      return ask(...asked)
    }

  return {
    ...asked,
    window: caughtUp(asked.window),
    summaries: caughtUp(asked.summaries),
    find: caughtUp(asked.find),
    findBatch: caughtUp(asked.findBatch),
    watermark: caughtUp(asked.watermark),
    rewards: caughtUp((endpoint, query) => commit(() => feedback.rewards(endpoint, query))),
    append: async (batch) => {
      await commit(() => append(batch))
      open.add(batch.endpoint, 'predictions', batch.rows.length)
      grown(batch.endpoint)
    },
    appendLate: (batch, answers) => commit(() => appendLate(batch, answers)),
    skip: (endpoint, predictions, atMs) => {
      void commit(() => skip(endpoint, predictions, atMs)).catch(() => undefined)
    },
    recordFeedback: async (endpoint, told, atMs) => {
      await ingesting?.catchUp()
      const recorded = await commit(() => feedback.record(endpoint, told, atMs))
      open.add(endpoint, 'truths', recorded.labels)
      grown(endpoint)
      return recorded.outcome
    },
    recordTruths: async (endpoint, reported, atMs) => {
      await ingesting?.catchUp()
      const recorded = await commit(() => truths.record(endpoint, reported, atMs))
      open.add(endpoint, 'truths', recorded.accepted + recorded.replaced)
      grown(endpoint)
      return recorded
    },
    advance: async (endpoint, timeMs) => {
      await commit(() => advance(endpoint, timeMs))
      grown(endpoint)
      return (await asked.watermark(endpoint)) ?? timeMs
    },
    full: async (rows) => open.atLeast(rows),
    sealing: countedSealing(),
    onGrowth: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: async () => {
      closed = true
      await ingesting?.stop()
      await group.drained()
      reader.close()
      writer.close()
    },
  }

  function countedSealing(): PredictionLog['sealing'] {
    const steps = sealing({ reader, commit, objects, files, folder: join(folder, 'write') })
    return {
      ...steps,
      finish: async (segment) => {
        await steps.finish(segment)
        open.recount()
      },
    }
  }
}

/** How many rows are in no segment yet, by endpoint: counted once, then kept up. */
function openCounts(reader: Connection) {
  const countPredictions = reader.prepare(
    `select e.name, sum(b.rows) as rows from batches b join endpoints e on e.id = b.endpoint
     where b.seq > e.sealed_seq group by e.id`,
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
