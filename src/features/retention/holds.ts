import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, Transact } from '#ledger'
import * as facts from './facts.ts'
import { checkedHold, type Hold } from './hold.ts'
import { goneOrUnknown } from './preview.ts'
import type { RetentionReads, RetentionWrites } from './store.ts'
import { checkedThing, type Thing } from './thing.ts'

export interface Holds {
  /** Throws `not-found` for what is not there, `invalid` for a hold without a reason or a time to come. */
  place(
    actor: Actor,
    hold: { target: Thing; reason: string; untilMs: number | null },
  ): Promise<Hold>
  /** Throws `not-found`. */
  remove(actor: Actor, id: string): Promise<Hold>
  list(page: { after?: string; limit: number }): Promise<Hold[]>
}

export function createHolds({
  read,
  transact,
  clock,
  ids,
}: {
  read: RetentionReads
  transact: Transact<{ retention: RetentionWrites }>
  clock: Clock
  ids: Ids
}): Holds {
  return {
    place: async (actor, given) => {
      const target = checkedThing(given.target)
      const hold = checkedHold({
        id: ids.ulid(),
        target,
        reason: given.reason,
        placedBy: actor.id,
        placedMs: clock.nowMs(),
        untilMs: given.untilMs,
      })
      return transact(async ({ retention, ledger }) => {
        // What is being purged is out of its place already, and no hold brings it back.
        if ((await retention.find(target)) === undefined)
          throw await goneOrUnknown(retention, target)
        await retention.addHold(hold)
        await ledger.append(actor, [facts.holdPlaced(hold)])
        return hold
      })
    },
    remove: (actor, id) =>
      transact(async ({ retention, ledger }) => {
        const hold = await retention.findHold(id)
        if (hold === undefined)
          throw new Problem('not-found', `there is no hold ${id}; see "orrery hold list"`)
        await retention.deleteHold(id)
        await ledger.append(actor, [facts.holdRemoved(hold)])
        return hold
      }),
    list: (page) => read.holds(page),
  }
}
