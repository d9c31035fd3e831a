import { mkdirSync, statSync, truncateSync } from 'node:fs'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import {
  ROWS_PER_BATCH_MAX,
  type FeedbackJournal,
  type Ingested,
  type Journal,
  type JournalPosition,
} from '#inference'
import { filesIn, pathOf } from './files.ts'
import { pendingBatches, rebuild } from './pending.ts'
import { openWriter } from './writer.ts'

export { openSource } from './source.ts'

/** A file that has grown beyond this is followed by another. */
const FILE_BYTES_MAX = 64 << 20

/** How the journal stands, for those who watch it. */
export interface JournalStanding {
  /** Since the start of this process. */
  readonly writtenBytes: number
  /** How long something that was written has waited for the disk, at most. */
  readonly unsyncedMs: number
  /** What lies in its files. */
  readonly keptBytes: number
  /** What of that the prediction log has not taken over yet. */
  readonly pendingBytes: number
}

/**
 * The journal of predictions: files that are only added to, written by the process that answers. What is
 * in them goes into the prediction log later, in another process.
 */
export function openJournal(dependencies: {
  folder: string
  /** What has left the journal already. */
  ingested: Ingested
  /** How long what was written may wait for the disk. */
  syncMs: number
  fileBytesMax?: number
  logger: Logger
}): Journal & FeedbackJournal & { standing(): JournalStanding; close(): Promise<void> } {
  const { folder, ingested, syncMs, logger, fileBytesMax = FILE_BYTES_MAX } = dependencies
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const pending = pendingBatches(folder, ingested.position)
  const from = ingested.position()
  const last = rebuild(folder, from, pending.note)
  // The tail that a crash has torn: nobody was answered for it.
  if (last !== undefined) truncateSync(pathOf(folder, last.file), last.offset)
  const writer = openWriter({ folder, after: from.file, fileBytesMax, syncMs, logger })
  const writing = new Set<string>()
  let closed = false
  const skipped = skipCounter(writer, logger)
  const assertOpen = () => {
    if (closed) throw new Problem('unavailable', 'the server is stopping; try again')
  }

  return {
    append: async (batch, { durable = false } = {}) => {
      assertOpen()
      const isMatrix = 'matrix' in batch
      if ((isMatrix ? batch.rows : batch.rows.length) > ROWS_PER_BATCH_MAX)
        throw new Problem('limit', `a request has at most ${ROWS_PER_BATCH_MAX} rows; send several`)
      if (isMatrix) {
        await writer.append((to, encode) => encode.matrix(to, batch), durable)
        return
      }
      const { id, digest } = batch
      if (digest === null) {
        await writer.append((to, encode) => encode.batch(to, batch), durable)
        return
      }
      if (pending.has(id) || writing.has(id))
        throw new Problem('exists', `the request ${id} was answered before`)
      writing.add(id)
      try {
        pending.add(id, await writer.append((to, encode) => encode.batch(to, batch), durable))
      } finally {
        writing.delete(id)
      }
    },
    appendLate: async (batch, answers) => {
      assertOpen()
      await writer.append((to, encode) => encode.late(to, batch, answers), false)
    },
    skip: (endpoint, predictions, atMs) => {
      if (!closed) skipped.add(endpoint, predictions, atMs)
    },
    feedback: async (endpoint, feedback, atMs) => {
      assertOpen()
      await writer.append((to, encode) => encode.feedback(to, endpoint, { feedback, atMs }), false)
    },
    findBatch: async (id) => {
      if (writing.has(id)) await writer.flushed()
      return pending.find(id) ?? (await ingested.findBatch(id))
    },
    standing: () => ({ ...writer.standing(), ...keptIn(folder, ingested.position()) }),
    close: async () => {
      if (closed) return
      closed = true
      await skipped.written()
      await writer.close()
    },
  }
}

function keptIn(folder: string, { file: read, offset }: JournalPosition) {
  let keptBytes = 0
  let pendingBytes = 0
  for (const file of filesIn(folder)) {
    const bytes = statSync(pathOf(folder, file), { throwIfNoEntry: false })?.size ?? 0
    keptBytes += bytes
    if (file >= read) pendingBytes += Math.max(0, bytes - (file === read ? offset : 0))
  }
  return { keptBytes, pendingBytes }
}

/** Counts what is not logged: one record tells of all that a turn of the event loop has left out at an endpoint. */
function skipCounter({ append }: ReturnType<typeof openWriter>, logger: Logger) {
  const counts = new Map<string, { predictions: number; atMs: number }>()
  let writing: Promise<void> | undefined
  const write = async () => {
    writing = undefined
    const counted = [...counts]
    counts.clear()
    const written = counted.map(([endpoint, { predictions, atMs }]) =>
      append((to, encode) => encode.skipped(to, endpoint, predictions, atMs), false),
    )
    await Promise.all(written).catch((error: unknown) => {
      logger.warn({ error: messageOf(error) }, 'predictions that are not logged were not counted')
    })
  }
  return {
    add: (endpoint: string, predictions: number, atMs: number): void => {
      const counted = counts.get(endpoint)
      if (counted === undefined) counts.set(endpoint, { predictions, atMs })
      else counted.predictions += predictions
      writing ??= new Promise((resolve) => setImmediate(resolve)).then(write)
    },
    written: async (): Promise<void> => writing,
  }
}
