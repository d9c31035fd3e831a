import {
  close,
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsync,
  ftruncateSync,
  openSync,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { sink, type Sink } from './bytes.ts'
import { encoder } from './codec.ts'
import { filesIn, pathOf } from './files.ts'
import { appendRecord, HEADER_BYTES } from './records.ts'

const syncData = promisify(fdatasync)
const syncFolder = promisify(fsync)
const closeFile = promisify(close)

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

interface Waiting {
  readonly end: number
  readonly payloadBytes: number
  readonly durable: boolean
  resolve(written: Written): void
  reject(error: unknown): void
}

interface OpenFile {
  readonly number: number
  readonly descriptor: number
  /** Bytes of whole records. */
  size: number
  /** Whether half a record may lie behind them. */
  isTorn: boolean
  syncedBytes: number
  /** Callers that wait for the disk, by where their record ends. */
  waiting: { readonly end: number; resolve(): void; reject(error: unknown): void }[]
}

/**
 * Writes records at the end of the newest file: those of one turn of the event loop with one call, after
 * which their callers are answered; the disk is told in the background, once for all that wait.
 */
export function openWriter(options: WriterOptions) {
  const { folder, after, fileBytesMax, syncMs, logger } = options
  const encode = encoder()
  let buffer = sink(BUFFER_BYTES)
  let turn: Waiting[] = []
  let flushing: Promise<void> | undefined
  const directory = openSync(folder, 'r')
  let file = nextFile(folder, after)
  let isListed = false
  let syncing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let retiring: Promise<void> = Promise.resolve()

  const append = (
    write: (to: Sink, encode: ReturnType<typeof encoder>) => void,
    durable: boolean,
  ): Promise<Written> => {
    const bytes = appendRecord(buffer, (to) => write(to, encode))
    flushing ??= new Promise((resolve) => setImmediate(resolve)).then(flush)
    return new Promise((resolve, reject) => {
      const payloadBytes = bytes - HEADER_BYTES
      turn.push({ end: buffer.at(), payloadBytes, durable, resolve, reject })
    })
  }

  const flush = () => {
    flushing = undefined
    const waiting = turn
    turn = []
    if (file.isTorn && !isCutBack(file)) rotate()
    const start = file.size
    const { written, error } = writeWhole(file, buffer.written(0))
    const kept = waiting.filter(({ end }) => end <= written)
    const wholeBytes = kept.at(-1)?.end ?? 0
    file.size = start + wholeBytes
    file.isTorn = written > wholeBytes
    if (file.isTorn) isCutBack(file)
    if (buffer.written(0).length > BUFFER_KEPT_BYTES) buffer = sink(BUFFER_BYTES)
    else buffer.cut(0)
    for (const each of kept) answer(each, start)
    for (const each of waiting.slice(kept.length)) each.reject(problemOf(folder, error))
    if (kept.length > 0) syncSoon(kept.some(({ durable }) => durable) ? 0 : syncMs)
    if (file.size >= fileBytesMax) rotate()
  }

  const answer = ({ end, payloadBytes, durable, resolve, reject }: Waiting, start: number) => {
    const at = start + end
    const place = { file: file.number, offset: at - payloadBytes, length: payloadBytes }
    if (durable) file.waiting.push({ end: at, resolve: () => resolve(place), reject })
    else resolve(place)
  }

  const syncSoon = (afterMs: number) => {
    if (afterMs === 0) {
      clearTimeout(timer)
      timer = undefined
      void sync()
      return
    }
    timer ??= setTimeout(() => {
      timer = undefined
      void sync()
    }, afterMs)
  }

  /** One at a time; what is written meanwhile waits for the next. */
  const sync = (): Promise<void> => {
    syncing ??= syncOnce(file).finally(() => {
      syncing = undefined
      if (file.waiting.length > 0) syncSoon(0)
      else if (file.size > file.syncedBytes) syncSoon(syncMs)
    })
    return syncing
  }

  const syncOnce = async (of: OpenFile): Promise<void> => {
    const end = of.size
    if (end === of.syncedBytes) return
    try {
      if (!isListed) await syncFolder(directory)
      isListed = true
      await syncData(of.descriptor)
    } catch (error) {
      logger.error({ error: messageOf(error) }, 'the journal of predictions did not reach the disk')
      const waiting = of.waiting.splice(0)
      for (const { reject } of waiting) reject(problemOf(folder, error))
      // What a disk has once refused it may forget without a word; a new file does not share that.
      if (of === file) rotate()
      return
    }
    mark(of, end)
    const reached = of.waiting.filter((each) => each.end <= end)
    of.waiting = of.waiting.filter((each) => each.end > end)
    for (const { resolve } of reached) resolve()
  }

  /** Says in the file itself how far it is on the disk: damage before that is not the tail of a crash. */
  const mark = (of: OpenFile, end: number) => {
    of.syncedBytes = end
    if (of.isTorn) return
    const record = sink(64)
    appendRecord(record, (to) => encode.synced(to, end))
    const bytes = record.written(0)
    const before = of.size
    const { written } = writeWhole(of, bytes)
    of.isTorn = written > 0 && written < bytes.length
    if (of.isTorn) isCutBack(of)
    if (written < bytes.length) return
    // The mark itself waits for nothing: only what comes behind it makes the file unsynced again.
    if (of.syncedBytes === before) of.syncedBytes += bytes.length
    of.size = before + bytes.length
  }

  const rotate = () => {
    let next: OpenFile
    try {
      next = nextFile(folder, file.number)
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'the journal of predictions goes on in its old file')
      return
    }
    const old = file
    file = next
    isListed = false
    retiring = Promise.all([retiring, syncing]).then(async () => {
      await syncOnce(old)
      await closeFile(old.descriptor)
    })
  }

  return {
    append,
    /** Resolves when nothing waits to be written. */
    flushed: async (): Promise<void> => flushing,
    close: async (): Promise<void> => {
      await flushing
      clearTimeout(timer)
      await syncing
      await retiring
      fdatasyncSync(file.descriptor)
      for (const { resolve } of file.waiting.splice(0)) resolve()
      closeSync(file.descriptor)
      closeSync(directory)
    },
  }
}

/** A new file behind all others; no two writers ever get the same. */
function nextFile(folder: string, after: number): OpenFile {
  for (let number = Math.max(after, filesIn(folder).at(-1) ?? 0) + 1; ; number++)
    try {
      const descriptor = openSync(pathOf(folder, number), 'ax', 0o600)
      return { number, descriptor, size: 0, isTorn: false, syncedBytes: 0, waiting: [] }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
}

/** Writes as many of the bytes as the disk takes. */
function writeWhole(
  { descriptor, isTorn }: OpenFile,
  bytes: Buffer,
): { written: number; error?: unknown } {
  let written = 0
  if (isTorn) return { written, error: new Error('its end could not be cut off') }
  try {
    while (written < bytes.length) written += writeSync(descriptor, bytes, written)
    return { written }
  } catch (error) {
    return { written, error }
  }
}

/** Removes the half record behind the last whole one, in front of which nothing could be read; false if that fails. */
function isCutBack(file: OpenFile): boolean {
  try {
    ftruncateSync(file.descriptor, file.size)
    file.isTorn = false
    return true
  } catch {
    return false
  }
}

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

function problemOf(folder: string, error: unknown): Problem {
  if (NO_SPACE.has((error as NodeJS.ErrnoException).code ?? ''))
    return new Problem(
      'full',
      `the disk of ${folder} is full, so the prediction could not be logged and is not given; free some space, then send it again`,
    )
  return new Problem(
    'unavailable',
    `the prediction could not be logged in ${folder} and is not given (${messageOf(error)}); send it again when the disk can be written`,
  )
}
