import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { Entry } from './fact.ts'
import type { LedgerReads, LedgerWrites, Transact } from './store.ts'

/** A reader of the ledger that keeps its place: every entry once, in order, across crashes. */
export interface Follower<Stores> {
  readonly name: string
  /** Only these facts are handed over; the place moves past the others. */
  readonly types: readonly string[]
  /** Its effects and the new place are kept in one transaction. It enqueues work and never does it. */
  follow(entry: Entry, tx: Stores & { ledger: LedgerWrites }): Promise<void>
}

const PAGE = 200
const RETRY_MS = 1000

/** Runs followers until stopped; `wake` tells them that the ledger has grown. */
export function startFollowers<Stores>(dependencies: {
  followers: readonly Follower<Stores>[]
  read: LedgerReads
  transact: Transact<Stores>
  onGrowth: (listener: () => void) => () => void
  logger: Logger
}): { stop(): Promise<void>; settled(): Promise<void> } {
  const { followers, read, transact, logger } = dependencies
  let stopped = false
  let round: Promise<void> = Promise.resolve()
  let queued = false

  const catchUp = async (follower: Follower<Stores>) => {
    for (;;) {
      const after = await read.cursor(follower.name)
      const size = await read.size()
      if (stopped || after >= size - 1) return
      const entries = await read.list({ after, limit: PAGE, types: follower.types })
      const end = entries.length === PAGE ? (entries.at(-1)?.position ?? size - 1) : size - 1
      await transact(async (tx) => {
        for (const entry of entries) if (entry.position <= end) await follower.follow(entry, tx)
        await tx.ledger.saveCursor(follower.name, end)
      })
    }
  }

  const runRound = async () => {
    queued = false
    for (const follower of followers) {
      try {
        await catchUp(follower)
      } catch (error) {
        logger.error(
          { follower: follower.name, error: messageOf(error) },
          'follower failed; it will try again',
        )
        setTimeout(wake, RETRY_MS).unref()
      }
    }
  }

  const wake = () => {
    if (stopped || queued) return
    queued = true
    round = round.then(runRound)
  }

  const unsubscribe = dependencies.onGrowth(wake)
  wake()
  return {
    stop: async () => {
      stopped = true
      unsubscribe()
      await round
    },
    settled: async () => {
      wake()
      await round
    },
  }
}
