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
/** How often a job may be cut short by the end of the server before it is held to be the cause. */
const CUTS_MAX = 20

interface Dependencies {
  readonly handlers: readonly Handler[]
  readonly transact: Transact<{ work: WorkWrites }>
  readonly clock: Clock
  readonly owner: string
  /** Whether jobs of a kind may be taken now; all of them if absent. */
  readonly mayTake?: (kind: string) => boolean
  readonly logger: Logger
}

export function startWorker(dependencies: Dependencies): Worker {
  const { handlers, transact, clock, owner, logger, mayTake = () => true } = dependencies
  const running = new Map<string, { kind: string; done: Promise<void> }>()
  const stopping = new AbortController()
  const perform = performer(dependencies, stopping.signal)
  let looking: Promise<void> | undefined
  let lookAgain = false

  const freeKinds = () =>
    handlers
      .filter(({ kind, concurrency }) => mayTake(kind) && countOf(kind) < concurrency)
      .map((handler) => handler.kind)
  const countOf = (kind: string) =>
    [...running.values()].filter((each) => each.kind === kind).length

  const look = () => {
    lookAgain = true
    looking ??= lookOnce().finally(() => {
      looking = undefined
      if (lookAgain && !stopping.signal.aborted) look()
    })
  }

  const lookOnce = async () => {
    try {
      while (lookAgain && !stopping.signal.aborted) {
        lookAgain = false
        const job = await leaseOne()
        if (job === undefined) continue
        lookAgain = true
        // Its lease ran out while this process was held up; the run that is under way still counts.
        if (!running.has(job.id)) start(job)
      }
    } catch (error) {
      lookAgain = false
      logger.error({ error: messageOf(error) }, 'could not look for work; will look again')
    }
  }

  const leaseOne = async () => {
    const kinds = freeKinds()
    if (kinds.length === 0) return undefined
    const nowMs = clock.nowMs()
    return transact(({ work }) => work.lease({ kinds, owner, nowMs, untilMs: nowMs + LEASE_MS }))
  }

  const start = (job: Job) => {
    const done = perform(job)
      .catch((error: unknown) => {
        // Its lease runs out, and then it is taken up again.
        logger.error({ job: job.key, error: messageOf(error) }, 'could not record how a job ended')
      })
      .finally(() => {
        running.delete(job.id)
        look()
      })
    running.set(job.id, { kind: job.kind, done })
  }

  const poll = setInterval(look, POLL_MS)
  look()
  return {
    wake: look,
    stop: async () => {
      clearInterval(poll)
      stopping.abort()
      // A look that is under way may still take a lease; it is only then that nothing new starts.
      await looking
      await Promise.allSettled([...running.values()].map((each) => each.done))
    },
  }
}

/** Does one leased job and records how it ended. Rejects only when that could not be recorded. */
function performer(
  { handlers, transact, clock, owner, logger }: Dependencies,
  stopping: AbortSignal,
): (job: Job) => Promise<void> {
  const perform = async (job: Job) => {
    const handler = handlers.find((each) => each.kind === job.kind) as Handler
    if (stopping.aborted) return transact(({ work }) => work.release(job.id, owner))
    if (job.cuts > CUTS_MAX)
      return giveUp(handler, job, `the server ended ${job.cuts} times while it did this`)
    const beat = setInterval(() => {
      void transact(({ work }) => work.extend(job.id, owner, clock.nowMs() + LEASE_MS)).catch(
        (error: unknown) => {
          logger.warn({ job: job.key, error: messageOf(error) }, 'could not extend a lease')
        },
      )
    }, LEASE_MS / 3)
    try {
      await handler.run(job, stopping)
      await transact(({ work }) => work.complete(job.id, owner))
    } catch (error) {
      await settleFailure(handler, job, error)
    } finally {
      clearInterval(beat)
    }
  }

  const settleFailure = async (handler: Handler, job: Job, error: unknown) => {
    const reason = messageOf(error)
    // Work that was cut short by a stop has not failed; the next start takes it up.
    if (stopping.aborted) return transact(({ work }) => work.release(job.id, owner))
    const hopeless =
      error instanceof Problem && (error.code === 'invalid' || error.code === 'conflict')
    logger.warn({ job: job.key, attempts: job.attempts, error: reason }, 'a job failed')
    if (hopeless || job.attempts >= handler.attemptsMax) return giveUp(handler, job, reason)
    const runAfterMs = clock.nowMs() + backoffMs(job.attempts)
    return transact(({ work }) => work.retry(job.id, owner, { error: reason, runAfterMs }))
  }

  const giveUp = async (handler: Handler, job: Job, reason: string) => {
    await handler.abandoned?.(job, reason)
    await transact(({ work }) => work.fail(job.id, owner, reason))
  }

  return perform
}
