import type { Follower } from '#ledger'
import type { Writes } from '#stores/sql/index'

/** What happens when something has happened: every reader of the ledger, on one screen. */
export const followers: readonly Follower<Writes>[] = []
