import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import { sink, type Sink } from './bytes.ts'
import { encoder } from './codec.ts'
import { diskSync } from './disk-sync.ts'
import {
  isCutBack,
  isSucceeded,
  nextFile,
  problemOf,
  writeRecords,
  type OpenFile,
} from './open-file.ts'
import { appendRecord, HEADER_BYTES } from './records.ts'

const BUFFER_BYTES = 1 << 20
/** A buffer that one request has made larger is not kept. */
const BUFFER_KEPT_BYTES = 8 << 20

export interface WriterOptions {
  readonly folder: string
  /** The newest file that has been read by others; what is written goes behind it. */
  readonly after: number
  /** A file that has grown beyond this is followed by another. */
  readonly fileBytesMax: number
  /** How long what was written may wait for the disk; the loss window of a power failure. */
  readonly syncMs: number
  readonly logger: Logger
}

/** Where a payload was written. */
export interface Written {
  readonly file: number
  readonly offset: number
  readonly length: number
}

/** A record of this turn of the event loop. */
interface Waiting {
  /** Where it ends among the turn's bytes. */
  readonly end: number
  readonly payloadBytes: number
  readonly durable: boolean
  resolve(written: Written): void
  reject(error: unknown): void
}

/**
 * Writes records at the end of the newest file: those of one turn of the event loop with one call, after
 * which their callers are answered; the disk is told in the background, or before the answer.
 */
export function openWriter(options: WriterOptions) {
  const { folder, after, fileBytesMax, syncMs, logger } = options
  const encode = encoder()
  let buffer = sink(BUFFER_BYTES)
  let turn: Waiting[] = []
  let flushing: Promise<void> | undefined
  let file = nextFile(folder, after)
  let writtenBytes = 0
  /** Since when something may wait for the disk. */
  let dirtySinceMs = 0

  const rotate = () => {
    const old = file
    try {
      file = nextFile(folder, old.number)
      disk.retire(old)
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'the journal of predictions goes on in its old file')
    }
  }
  const disk = diskSync({
    folder,
    syncMs,
    logger,
    onRefused: (refused) => {
      if (refused === file) rotate()
    },
  })

  const flush = () => {
    flushing = undefined
    const waiting = turn
    turn = []
    if (file.isTorn && !isCutBack(file)) rotate()
    const start = file.size
    if (file.syncedBytes >= start) dirtySinceMs = performance.now()
    const bytes = buffer.written(0)
    const ends = waiting.map(({ end }) => end)
    const { written, error } = isSucceeded(folder, file)
      ? { written: 0, error: new Error('another process writes the journal now') }
      : writeRecords(file, bytes, ends)
    if (bytes.length > BUFFER_KEPT_BYTES) buffer = sink(BUFFER_BYTES)
    else buffer.cut(0)
    for (const each of waiting)
      if (each.end <= written) answer(file, start, each)
      else each.reject(problemOf(folder, error))
    writtenBytes += written
    if (written > 0) disk.soon(file, file.waiting.length > 0 ? 'now' : 'later')
    if (file.size >= fileBytesMax) rotate()
  }

  return {
    append: (
      write: (to: Sink, encode: ReturnType<typeof encoder>) => void,
      durable: boolean,
    ): Promise<Written> => {
      const bytes = appendRecord(buffer, (to) => write(to, encode))
      flushing ??= new Promise((resolve) => setImmediate(resolve)).then(flush)
      return new Promise((resolve, reject) => {
        const payloadBytes = bytes - HEADER_BYTES
        turn.push({ end: buffer.at(), payloadBytes, durable, resolve, reject })
      })
    },
    /** Bytes since the start, and for how long some of them have waited for the disk at most. */
    standing: () => ({
      writtenBytes,
      unsyncedMs: file.size > file.syncedBytes ? performance.now() - dirtySinceMs : 0,
    }),
    /** Resolves when nothing waits to be written. */
    flushed: async (): Promise<void> => flushing,
    close: async (): Promise<void> => {
      await flushing
      await disk.close(file)
    },
  }
}

function answer(
  file: OpenFile,
  start: number,
  { end, payloadBytes, durable, resolve, reject }: Waiting,
): void {
  const at = start + end
  const place = { file: file.number, offset: at - payloadBytes, length: payloadBytes }
  if (durable) file.waiting.push({ end: at, resolve: () => resolve(place), reject })
  else resolve(place)
}
