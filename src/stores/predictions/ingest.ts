import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { spareProcessors } from '#base/idle-share'
import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { JournalEntries, JournalPosition, JournalSource } from '#inference'
import type { Added } from './take.ts'
import type { Connection } from './database.ts'
import { restMs } from './pace.ts'

/** How long the journal is left alone when it had nothing new. */
const IDLE_MS = 100
/** What comes in this time is taken over together: a commit costs as much as some hundred predictions. */
const TOGETHER_MS = 50
/** What comes after quiet may begin a load: after so long it is seen how busy the machine is. */
const BEGINNING_MS = 300
/** So often it is seen whether the machine has become idle, while it rests. */
const LOOK_MS = 250
/** What a piece takes at least, as far as rests go: a small one is often the first of many. */
const PIECE_MS = 40
/** How long after a failure it is tried again. */
const RETRY_MS = 1000

interface Dependencies {
  readonly writer: Connection
  readonly source: JournalSource
  readonly logger: Logger
  /** Adds entries inside a transaction, and gives what it added. */
  readonly take: (entries: JournalEntries['entries']) => Added[]
  /** Called after the commit. */
  readonly onTaken: (added: readonly Added[]) => void
  readonly onRollback: () => void
}

/**
 * Takes the journal over into the log, in order and once: each piece is added in one transaction with the
 * place where the next begins. The journal has the rows until they are on the disk here, so most of these
 * commits need not wait for it.
 */
export function ingestion(dependencies: Dependencies) {
  const { writer, source, logger, take, onTaken, onRollback } = dependencies
  const inTransaction = transactions(writer, onRollback)
  const move = writer.prepare('update journal set file = ?, offset = ?')
  const select = writer.prepare('select file, offset from journal')
  let position = select.get() as JournalPosition
  const stop = new AbortController()

  /** Takes one piece; false when there was nothing. */
  const step = (): boolean => {
    const { entries, next } = source.read(position)
    if (!isBefore(position, next)) return false
    const isFileDone = next.file > position.file
    const added = inTransaction(isFileDone ? 'synced' : 'unsynced', () => {
      const all = take(entries)
      move.run(next.file, next.offset)
      return all
    })
    position = next
    if (isFileDone) source.release(next)
    onTaken(added)
    return true
  }

  const background = takeOver({
    isMore: () => isBefore(position, source.end()),
    filesWaiting: () => source.end().file - position.file,
    step,
    stop: stop.signal,
    logger,
  })

  return {
    /** Takes over what the journal holds at this moment, so that whoever asks finds what was answered before. */
    catchUp: async (): Promise<void> => {
      const end = source.end()
      try {
        while (!stop.signal.aborted && isBefore(position, end) && step()) await nextTurn()
      } catch (error) {
        // What cannot be taken over now must not keep anybody from what is there.
        logger.error(
          { error: messageOf(error) },
          'predictions of the journal are not in the log yet',
        )
      }
    },
    stop: async (): Promise<void> => {
      stop.abort()
      await background
    },
  }
}

/** Takes over what comes, whenever there is time for it; resolves when it is told to stop. */
async function takeOver({
  isMore,
  filesWaiting,
  step,
  stop,
  logger,
}: {
  isMore: () => boolean
  filesWaiting: () => number
  step: () => boolean
  stop: AbortSignal
  logger: Logger
}): Promise<void> {
  const spare = spareProcessors()
  let isQuiet = true
  let tookMs = 0
  const rested = async () => {
    const beganMs = performance.now()
    while (!stop.aborted) {
      const busy = { spareProcessors: spare(), filesWaiting: filesWaiting() }
      const ms = Math.max(TOGETHER_MS, restMs(Math.max(PIECE_MS, tookMs), busy))
      const leftMs = ms - (performance.now() - beganMs)
      if (leftMs <= 0) return
      await pause(Math.min(leftMs, LOOK_MS), stop)
    }
  }
  const turn = async () => {
    if (!isMore()) {
      isQuiet = true
      return pause(IDLE_MS, stop)
    }
    if (isQuiet) {
      tookMs = 0
      // What is measured at the end of the pause is the pause alone.
      spare()
      await pause(BEGINNING_MS, stop)
    }
    isQuiet = false
    await rested()
    if (stop.aborted) return
    const beganMs = performance.now()
    step()
    tookMs = performance.now() - beganMs
  }
  while (!stop.aborted)
    try {
      await turn()
    } catch (error) {
      logger.error(
        { error: messageOf(error) },
        'predictions of the journal cannot be taken into the log',
      )
      await pause(RETRY_MS, stop)
    }
}

/** Ends early when it is told to stop, and keeps no process alive. */
async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop, ref: false }).catch((error: unknown) => {
    if (!stop.aborted) throw error
  })
}

function transactions(writer: Connection, onRollback: () => void) {
  const begin = writer.prepare('begin immediate')
  const commit = writer.prepare('commit')
  return <T>(how: 'synced' | 'unsynced', work: () => T): T => {
    if (how === 'unsynced') writer.pragma('synchronous = normal')
    try {
      begin.run()
      const done = work()
      commit.run()
      return done
    } catch (error) {
      if (writer.inTransaction) writer.exec('rollback')
      onRollback()
      throw error
    } finally {
      writer.pragma('synchronous = full')
    }
  }
}

function isBefore(one: JournalPosition, other: JournalPosition): boolean {
  return one.file < other.file || (one.file === other.file && one.offset < other.offset)
}
