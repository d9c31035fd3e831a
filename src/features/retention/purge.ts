import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { platformActor, type LedgerWrites, type Transact } from '#ledger'
import * as facts from './facts.ts'
import { TRASH_FOLLOWER } from './follow.ts'
import { blocksPurge, obstaclesOf } from './obstacle.ts'
import type { RetentionReads, RetentionWrites } from './store.ts'
import { daysMs, isOfRegistry, subjectOf, type TrashItem } from './trash.ts'

/** Rows of one transaction: everybody who writes waits for so many at most. */
const ROWS = 2000
const PAGE = 100
const PATIENCE_MS = 10_000
const PAUSE_MS = 50

interface Dependencies {
  readonly read: RetentionReads
  readonly transact: Transact<{ retention: RetentionWrites }>
  readonly clock: Clock
  readonly trashDays: number
  readonly graceMs: number
}

export interface Purge {
  /** Purges what is due and nothing holds. Broken off anywhere, it is taken up where it was. */
  purgeDue(signal?: AbortSignal): Promise<{ items: number; held: number }>
}

export function createPurge(dependencies: Dependencies): Purge {
  const { read, transact, clock, trashDays, graceMs } = dependencies

  const pass = async (signal?: AbortSignal): Promise<{ items: number; held: number }> => {
    const deletedUntilMs = clock.nowMs() - daysMs(trashDays)
    let [items, held, after] = [0, 0, -1]
    for (;;) {
      const due = await read.due({ deletedUntilMs, after, limit: PAGE })
      for (const item of due) {
        signal?.throwIfAborted()
        if (await purge(dependencies, item, signal)) items += 1
        else held += 1
        after = item.position
      }
      if (due.length < PAGE) return { items, held }
    }
  }

  return {
    purgeDue: async (signal) => {
      let items = 0
      for (;;) {
        const round = await pass(signal)
        items += round.items
        // What a version held goes once the version is gone.
        if (round.items === 0) {
          for (const item of await read.purgedSince(clock.nowMs() - graceMs))
            while ((await transact(({ retention }) => retention.purgeLateFiles(item))) > 0);
          return { items, held: round.held }
        }
      }
    },
  }
}

/** False when something holds the item, or it is not in the trash any more. */
async function purge(
  { transact, clock }: Dependencies,
  item: TrashItem,
  signal?: AbortSignal,
): Promise<boolean> {
  if (item.state !== 'purging' && !(await begin({ transact, clock }, item))) return false
  const some = () =>
    transact(async ({ retention }) => {
      const present = await retention.findTrash(item.position)
      return present?.state === 'purging' ? retention.purgeSome(present, ROWS) : 0
    })
  while ((await some()) > 0) signal?.throwIfAborted()
  return transact(async ({ retention, ledger }) => {
    const present = await retention.findTrash(item.position)
    if (present?.state !== 'purging') return false
    const by = present.askedBy ?? 'retention'
    await retention.endPurge(present, { purgedMs: clock.nowMs(), purgedBy: by })
    await ledger.append(
      present.askedBy === null ? platformActor('retention') : { kind: 'user', id: present.askedBy },
      [facts.purged(present)],
    )
    return true
  })
}

/** Decides and passes the point of no return in one transaction; nothing can come between. */
async function begin(
  { transact, clock }: Pick<Dependencies, 'transact' | 'clock'>,
  item: TrashItem,
): Promise<boolean> {
  const untilMs = clock.nowMs() + PATIENCE_MS
  for (;;) {
    const begun = await transact(async ({ retention, ledger }) => {
      if (!(await isCaughtUp(ledger))) return 'behind' as const
      const present = await retention.findTrash(item.position)
      if (present?.state !== 'trashed') return false
      if (!(await isStillDeleted(retention, present))) {
        await retention.dropTrashAt(present.position)
        return false
      }
      const subject = subjectOf(present)
      const obstacles = obstaclesOf(subject, await retention.dependents(subject), clock.nowMs())
      if (obstacles.some(blocksPurge)) return false
      await retention.beginPurge(present)
      return true
    })
    if (begun !== 'behind') return begun
    if (clock.nowMs() > untilMs)
      throw new Problem('unavailable', 'the list of the trash is behind the ledger; try again')
    await sleep(PAUSE_MS)
  }
}

/** Whether the list of the trash knows of every deletion and restoration that there is. */
async function isCaughtUp(ledger: LedgerWrites): Promise<boolean> {
  const [last] = await ledger.newest({ limit: 1, types: facts.TRASH_TYPES })
  return last === undefined || last.position <= (await ledger.cursor(TRASH_FOLLOWER))
}

async function isStillDeleted(retention: RetentionReads, item: TrashItem): Promise<boolean> {
  const found = isOfRegistry(item.kind)
    ? await retention.findAside(item.position)
    : await retention.find(item)
  return found?.state === 'deleted'
}
