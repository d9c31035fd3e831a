import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { JournalEntries, JournalPosition, JournalSource } from '#inference'
import type { Added } from './take.ts'
import type { Connection } from './database.ts'
import { idleShare, restMs } from './pace.ts'

/** How long the journal is left alone when it had nothing new. */
const IDLE_MS = 100
/** What comes in this time is taken over together: a commit costs as much as some hundred predictions. */
const TOGETHER_MS = 50
/** What comes after quiet may begin a load: after so long it is seen how busy the machine is. */
const BEGINNING_MS = 300
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

  const idle = idleShare()
  const background = async () => {
    let isQuiet = true
    while (!stop.signal.aborted) {
      if (isQuiet && hasMore(source, position)) await pause(BEGINNING_MS)
      const idleNow = idle()
      const startedMs = performance.now()
      const pauseMs = stepped(step, logger)
      isQuiet = pauseMs !== undefined
      const rest = () => {
        const filesWaiting = source.end().file - position.file
        return restMs(performance.now() - startedMs, { idle: idleNow, filesWaiting })
      }
      await pause(pauseMs ?? Math.max(TOGETHER_MS, rest()))
    }
  }
  let wake: (() => void) | undefined
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref()
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const running = background()

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
      wake?.()
      await running
    },
  }
}

function hasMore(source: JournalSource, position: JournalPosition): boolean {
  try {
    return isBefore(position, source.end())
  } catch {
    // Whatever it is, the next step meets it and tells it.
    return false
  }
}

/** One step; gives how long to wait before the next when there was none. */
function stepped(step: () => boolean, logger: Logger): number | undefined {
  try {
    return step() ? undefined : IDLE_MS
  } catch (error) {
    logger.error(
      { error: messageOf(error) },
      'predictions of the journal cannot be taken into the log',
    )
    return RETRY_MS
  }
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
