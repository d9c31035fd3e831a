import { trackOutputs } from '#elsewhere'
import type { Follower } from '#ledger'
import { endAlerts } from '#monitoring'
import { keepTrash } from '#retention'
import { rollOuts } from '#serving'
import type { Writes } from '#stores/sql/index'
import type { Parts } from './features.ts'
import { convertRegistered } from './converting/registered.ts'
import { backfillsOn } from './automation/backfills.ts'
import { declareEndpoints } from './governance/governing.ts'
import { policiesOn } from './automation/policies.ts'
import { restoreAliases } from './governance/restored-aliases.ts'

/** What happens when something has happened: every reader of the ledger, on one screen. */
export function followersOf(parts: Parts): readonly Follower<Writes>[] {
  return [
    declareEndpoints,
    rollOuts,
    restoreAliases(parts),
    convertRegistered,
    endAlerts,
    policiesOn(parts),
    backfillsOn(parts, parts),
    parts.webhookFollower,
    parts.alertFollower,
    trackOutputs,
    keepTrash(parts.config),
  ]
}
