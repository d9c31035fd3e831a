import { extname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { messageOf, Problem } from '#base/problem'
import type { WorkInput, WorkName, WorkResult, Workshop } from '#monitoring'
import type { Answer, Order } from './messages.ts'

/** Rows that are sent at a time; between them others have their turn. */
const CHUNK_ROWS = 500

/** A thread that has had nothing to do for so long is ended, with the memory that it took. */
const IDLE_MS = 60_000

interface Waiting {
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

interface Thread {
  readonly worker: Worker
  readonly waiting: Map<number, Waiting>
  readonly benches: Set<number>
}

export interface JudgingThread extends Workshop {
  stop(): Promise<void>
}

/**
 * A thread that does the long arithmetic of monitors, so that the one which answers requests is never in it. It begins
 * with the first rows and is ended when it is idle; one that dies fails what was asked of it, and the next one begins.
 */
export function judgingThread({ idleMs = IDLE_MS }: { idleMs?: number } = {}): JudgingThread {
  let thread: Thread | undefined
  let idle: NodeJS.Timeout | undefined
  let count = 0
  let stopped = false

  const end = async () => {
    const ended = thread
    thread = undefined
    await ended?.worker.terminate()
  }
  const current = (): Thread => {
    if (stopped) throw new Problem('unavailable', 'the server is stopping; try again')
    thread ??= started((gone) => {
      if (thread === gone) thread = undefined
    })
    return thread
  }
  const rest = () => {
    clearTimeout(idle)
    if (thread?.benches.size !== 0) return
    idle = setTimeout(() => void end(), idleMs).unref()
  }

  return {
    take: async (rows) => {
      clearTimeout(idle)
      const own = current()
      const bench = ++count
      own.benches.add(bench)
      for (let at = 0; at < rows.length; at += CHUNK_ROWS) {
        tell(own, { kind: 'rows', bench, rows: rows.slice(at, at + CHUNK_ROWS) })
        await setImmediate()
      }
      return {
        do: <Name extends WorkName>(name: Name, input: WorkInput<Name>) =>
          new Promise<WorkResult<Name>>((resolve, reject) => {
            if (!own.benches.has(bench)) throw new Error('the rows were let go of')
            const work = ++count
            own.waiting.set(work, { resolve, reject })
            tell(own, { kind: 'work', work, bench, name, input })
          }),
        close: () => {
          own.benches.delete(bench)
          tell(own, { kind: 'close', bench })
          rest()
        },
      }
    },
    stop: async () => {
      stopped = true
      clearTimeout(idle)
      await end()
    },
  }
}

function started(onGone: (thread: Thread) => void): Thread {
  const worker = new Worker(new URL(`./thread${extname(import.meta.url)}`, import.meta.url))
  const thread: Thread = { worker, waiting: new Map(), benches: new Set() }
  const gone = (error: Error) => {
    onGone(thread)
    thread.benches.clear()
    for (const { reject } of thread.waiting.values()) reject(error)
    thread.waiting.clear()
  }
  worker.on('message', (answer: Answer) => {
    const waiting = thread.waiting.get(answer.work)
    thread.waiting.delete(answer.work)
    if ('error' in answer) waiting?.reject(answer.error)
    else waiting?.resolve(answer.result as never)
  })
  worker.on('error', (error) =>
    gone(new Error(`the thread that judges failed: ${messageOf(error)}`)),
  )
  worker.on('exit', () => gone(new Problem('unavailable', 'the thread that judges was ended')))
  // It keeps no process alive: what waits for it does.
  worker.unref()
  return thread
}

function tell({ worker }: Thread, order: Order): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  worker.postMessage(order)
}
