import { trackOutputs } from '#elsewhere'
import type { Follower } from '#ledger'
import { endAlerts } from '#monitoring'
import { keepTrash } from '#retention'
import { rollOuts } from '#serving'
import type { Writes } from '#stores/sql/index'
import type { Parts } from './features.ts'
import { backfillsOn } from './backfills.ts'
import { declareEndpoints } from './governing.ts'
import { policiesOn } from './policies.ts'
import { restoreAliases } from './restored-aliases.ts'

/** What happens when something has happened: every reader of the ledger, on one screen. */
export function followersOf(parts: Parts): readonly Follower<Writes>[] {
  return [
    declareEndpoints,
    rollOuts,
    restoreAliases(parts),
    endAlerts,
    policiesOn(parts),
    backfillsOn(parts, parts),
    parts.webhookFollower,
    parts.alertFollower,
    trackOutputs,
    keepTrash(parts.config),
  ]
}
