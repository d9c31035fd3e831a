import type { Clock } from '#base/clock'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import type { Transact } from '#ledger'
import { backoffMs, type Job } from './job.ts'
import type { WorkWrites } from './store.ts'

/**
 * How one kind of job is done. `run` may be called again for the same job after a crash, so it must
 * bring about the same end when done twice. A `Problem` of code `invalid` or `conflict` is not tried again.
 */
export interface Handler {
  readonly kind: string
  /** Jobs of this kind at a time. */
  readonly concurrency: number
  readonly attemptsMax: number
  run(job: Job, signal: AbortSignal): Promise<void>
  /** Told once when the job is given up, so that the failure is on record where it belongs. */
  abandoned?(job: Job, reason: string): Promise<void>
}

export interface Worker {
  /** Looks for due jobs now instead of at the next poll. */
  wake(): void
  /** Takes no more jobs, asks the running ones to end, and waits for them. */
  stop(): Promise<void>
}

const LEASE_MS = 60_000
const POLL_MS = 500

export function startWorker(dependencies: {
  handlers: readonly Handler[]
  transact: Transact<{ work: WorkWrites }>
  clock: Clock
  owner: string
  logger: Logger
}): Worker {
  const { handlers, transact, clock, owner, logger } = dependencies
  const running = new Map<string, { kind: string; done: Promise<void> }>()
  const stopping = new AbortController()
  let looking = false
  let lookAgain = false

  const freeKinds = () =>
    handlers
      .filter((handler) => countOf(handler.kind) < handler.concurrency)
      .map((handler) => handler.kind)
  const countOf = (kind: string) =>
    [...running.values()].filter((each) => each.kind === kind).length

  const look = async () => {
    if (looking) {
      lookAgain = true
      return
    }
    looking = true
    try {
      while (!stopping.signal.aborted) {
        lookAgain = false
        const job = await leaseOne()
        if (job !== undefined) start(job)
        else if (!lookAgain) break
      }
    } catch (error) {
      logger.error({ error: messageOf(error) }, 'could not look for work; will look again')
    } finally {
      looking = false
    }
  }

  const leaseOne = async () => {
    const kinds = freeKinds()
    if (kinds.length === 0) return undefined
    const nowMs = clock.nowMs()
    return transact(({ work }) => work.lease({ kinds, owner, nowMs, untilMs: nowMs + LEASE_MS }))
  }

  const start = (job: Job) => {
    const done = perform(job).finally(() => {
      running.delete(job.id)
      void look()
    })
    running.set(job.id, { kind: job.kind, done })
  }

  const perform = async (job: Job) => {
    const handler = handlers.find((each) => each.kind === job.kind) as Handler
    const beat = setInterval(() => {
      void transact(({ work }) => work.extend(job.id, owner, clock.nowMs() + LEASE_MS)).catch(
        (error: unknown) => {
          logger.warn({ job: job.key, error: messageOf(error) }, 'could not extend a lease')
        },
      )
    }, LEASE_MS / 3)
    try {
      await handler.run(job, stopping.signal)
      await transact(({ work }) => work.complete(job.id))
    } catch (error) {
      await settleFailure(handler, job, error)
    } finally {
      clearInterval(beat)
    }
  }

  const settleFailure = async (handler: Handler, job: Job, error: unknown) => {
    const reason = messageOf(error)
    // Work that was cut short by a stop has not failed; the next start takes it up.
    if (stopping.signal.aborted)
      return transact(({ work }) => work.retry(job.id, reason, clock.nowMs()))
    const hopeless =
      error instanceof Problem && (error.code === 'invalid' || error.code === 'conflict')
    logger.warn({ job: job.key, attempts: job.attempts, error: reason }, 'a job failed')
    if (!hopeless && job.attempts < handler.attemptsMax)
      return transact(({ work }) =>
        work.retry(job.id, reason, clock.nowMs() + backoffMs(job.attempts)),
      )
    await handler.abandoned?.(job, reason)
    return transact(({ work }) => work.fail(job.id, reason))
  }

  const poll = setInterval(() => void look(), POLL_MS)
  void look()
  return {
    wake: () => void look(),
    stop: async () => {
      clearInterval(poll)
      stopping.abort()
      await Promise.allSettled([...running.values()].map((each) => each.done))
    },
  }
}
