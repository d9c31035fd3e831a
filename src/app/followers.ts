import type { Follower } from '#ledger'
import type { Writes } from '#stores/sql/index'
import type { Parts } from './features.ts'

/** What happens when something has happened: every reader of the ledger, on one screen. */
export function followersOf(_parts: Parts): readonly Follower<Writes>[] {
  return []
}
