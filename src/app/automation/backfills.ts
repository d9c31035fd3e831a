import { createBackfills, followBackfills, type Backfills } from '#automation'
import type { Follower } from '#ledger'
import type { Requests } from '#pipelines'
import type { Projects } from '#projects'
import type { Writes } from '#stores/sql/index'
import type { Ground } from '../ground.ts'

interface BackfillParts {
  readonly projects: Projects
  readonly requests: Requests<Writes>
}

/** Runs of pipelines over ranges of dates. */
export function backfillsOf({ store, clock, ids }: Ground, parts: BackfillParts): Backfills {
  const { read, transact } = store
  return createBackfills<Writes>({ ...parts, read: read.automation, transact, clock, ids })
}

/** Begins the next date of a backfill when one has ended. */
export function backfillsOn(
  { clock }: Ground,
  { requests }: Pick<BackfillParts, 'requests'>,
): Follower<Writes> {
  return {
    name: 'backfills',
    types: ['run-finished'],
    follow: (entry, tx) => followBackfills(entry, tx, { requests, clock }),
  }
}
