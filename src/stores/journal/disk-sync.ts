import { close, fdatasync, fsync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import { sink } from './bytes.ts'
import { encoder } from './codec.ts'
import { problemOf, writeRecords, type OpenFile } from './open-file.ts'
import { appendRecord } from './records.ts'

const syncData = promisify(fdatasync)
const syncFolder = promisify(fsync)
const closeFile = promisify(close)

/** Tells the disk in the background what was written: once for all that wait, and one time after the other. */
export function diskSync(dependencies: {
  folder: string
  /** How long what was written may wait. */
  syncMs: number
  logger: Logger
  /** Called when the disk has refused a file. */
  onRefused: (file: OpenFile) => void
}) {
  const { folder, syncMs, logger, onRefused } = dependencies
  const directory = openSync(folder, 'r')
  let newest: OpenFile | undefined
  /** The newest file whose name is on the disk as well. */
  let listed = 0
  let syncing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let retiring: Promise<unknown> = Promise.resolve()
  let closed = false

  const soon = (file: OpenFile, when: 'now' | 'later'): void => {
    newest = file
    if (closed) return
    if (when === 'later') {
      timer ??= setTimeout(begin, syncMs)
      return
    }
    begin()
  }

  /** What is written while one is under way waits for the next. */
  const begin = () => {
    clearTimeout(timer)
    timer = undefined
    const file = newest
    if (file === undefined || syncing !== undefined) return
    syncing = once(file).finally(() => {
      syncing = undefined
      if (newest === undefined) return
      if (newest.waiting.length > 0) soon(newest, 'now')
      else if (newest.size > newest.syncedBytes) soon(newest, 'later')
    })
  }

  const once = async (file: OpenFile): Promise<void> => {
    const end = file.size
    if (end === file.syncedBytes) return
    try {
      if (listed < file.number) await syncFolder(directory)
      listed = Math.max(listed, file.number)
      await syncData(file.descriptor)
    } catch (error) {
      logger.error({ error: messageOf(error) }, 'the journal of predictions did not reach the disk')
      for (const { reject } of file.waiting.splice(0)) reject(problemOf(folder, error))
      // What a disk has refused once it may forget without a word; a new file does not share that.
      onRefused(file)
      return
    }
    reach(file, end)
  }

  return {
    soon,
    /** Closes a file that is written no more when it is on the disk. */
    retire: (file: OpenFile): void => {
      retiring = Promise.all([retiring, syncing]).then(async () => {
        await once(file)
        await closeFile(file.descriptor)
        return undefined
      })
    },
    close: async (last: OpenFile): Promise<void> => {
      closed = true
      clearTimeout(timer)
      await syncing
      await retiring
      await once(last)
      await Promise.all([closeFile(last.descriptor), closeFile(directory)])
    },
  }
}

/** Answers those whose records are on the disk. */
function reach(file: OpenFile, end: number): void {
  mark(file, end)
  const reached = file.waiting.filter((each) => each.end <= end)
  file.waiting = file.waiting.filter((each) => each.end > end)
  for (const { resolve } of reached) resolve()
}

/** Says in the file itself how far it is on the disk: damage before that is not the tail of a crash. */
function mark(file: OpenFile, end: number): void {
  file.syncedBytes = end
  const record = sink(64)
  appendRecord(record, (to) => encoder().synced(to, end))
  const before = file.size
  const { written } = writeRecords(file, record.written(0), [])
  // The mark itself waits for nothing: only what comes behind it makes the file unsynced again.
  if (file.syncedBytes === before) file.syncedBytes += written
}
