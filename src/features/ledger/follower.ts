import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { Entry } from './fact.ts'
import type { LedgerReads, LedgerWrites, Transact } from './store.ts'

/** A reader of the ledger that keeps its place: every entry once, in order, across crashes. */
export interface Follower<Stores> {
  readonly name: string
  /**
   * Only these facts are handed over; the place moves past the others. As a function it is asked before each page, and
   * what it gives covers every entry that was there when it was called.
   */
  readonly types: readonly string[] | (() => Promise<readonly string[] | 'all'>)
  /** Its effects and the new place are kept in one transaction. It enqueues work and never does it. */
  follow(entry: Entry, tx: Stores & { ledger: LedgerWrites }): Promise<void>
}

const PAGE = 200
const RETRY_MS = 1000
/** A place that only moved past other facts is kept this rarely; a restart looks through so many again. */
const UNKEPT_MAX = 1000

interface Dependencies<Stores> {
  readonly followers: readonly Follower<Stores>[]
  readonly read: LedgerReads
  readonly transact: Transact<Stores>
  readonly onGrowth: (listener: () => void) => () => void
  readonly logger: Logger
}

/** Runs followers until stopped; `onGrowth` tells them that the ledger has grown. */
export function startFollowers<Stores>(dependencies: Dependencies<Stores>): {
  stop(): Promise<void>
  settled(): Promise<void>
} {
  const { followers, onGrowth, logger } = dependencies
  let stopped = false
  let round: Promise<void> = Promise.resolve()
  let queued = false
  const steps = followers.map((follower) => ({
    name: follower.name,
    take: stepper(follower, dependencies),
  }))

  const runRound = async () => {
    queued = false
    await Promise.all(
      steps.map(async ({ name, take }) => {
        try {
          for (;;) if (stopped || !(await take())) return
        } catch (error) {
          logger.error(
            { follower: name, error: messageOf(error) },
            'follower failed; it will try again',
          )
          setTimeout(wake, RETRY_MS).unref()
        }
      }),
    )
  }

  const wake = () => {
    if (stopped || queued) return
    queued = true
    round = round.then(runRound)
  }

  const unsubscribe = onGrowth(wake)
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

/** Takes a follower one page further; gives false when there was nothing to take. */
function stepper<Stores>(
  { name, types, follow }: Follower<Stores>,
  { read, transact }: Pick<Dependencies<Stores>, 'read' | 'transact'>,
): () => Promise<boolean> {
  let place: { kept: number; now: number } | undefined

  return async () => {
    if (place === undefined) {
      const cursor = await read.cursor(name)
      place = { kept: cursor, now: cursor }
    }
    const last = (await read.size()) - 1
    if (place.now >= last) return false
    // Asked after the end is known: who begins to wait for more can only mean what comes after that.
    const wanted = typeof types === 'function' ? await types() : types
    const ofTypes = wanted === 'all' ? {} : { types: wanted }
    const page =
      wanted.length === 0 ? [] : await read.list({ after: place.now, limit: PAGE, ...ofTypes })
    const entries = page.filter((entry) => entry.position <= last)
    const end = page.length < PAGE ? last : (entries.at(-1)?.position ?? last)
    if (entries.length === 0 && end - place.kept < UNKEPT_MAX) {
      place = { kept: place.kept, now: end }
      return true
    }
    const { kept } = place
    const reached = await transact(async (tx) => {
      const present = await tx.ledger.cursor(name)
      // Another server that follows the same ledger was quicker; what it has taken is not taken twice.
      if (present !== kept) return present
      for (const entry of entries) await follow(entry, tx)
      await tx.ledger.saveCursor(name, end)
      return end
    })
    place = { kept: reached, now: reached }
    return true
  }
}
