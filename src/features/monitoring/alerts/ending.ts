import { platformActor, type Entry, type Follower, type LedgerWrites } from '#ledger'
import type { ServingReads } from '#serving'
import { cleared } from './alerts.ts'
import { FINDING_TYPES, type Alert, type AlertKind } from './findings.ts'
import type { MonitoringWrites } from '../store.ts'

interface Tx {
  readonly monitoring: MonitoringWrites
  readonly serving: Pick<ServingReads, 'find'>
}

/** Clears the alerts of an endpoint that was removed: none of its windows will be judged again to do it. */
export const endAlerts: Follower<Tx> = {
  name: 'end-alerts',
  types: ['endpoint-removed'],
  follow: async (entry, tx) => {
    const { endpoint } = entry.data
    if (typeof endpoint !== 'string') return
    // Made again since, it has monitors that look after what is open.
    if ((await tx.serving.find(endpoint)) !== undefined) return
    await clearAll(endpoint, entry, tx)
  },
}

async function clearAll(
  endpoint: string,
  { atMs }: Entry,
  { monitoring, ledger }: Tx & { ledger: LedgerWrites },
): Promise<void> {
  const [last] = await monitoring.windows(endpoint, { limit: 1 })
  for (const kind of Object.keys(FINDING_TYPES) as AlertKind[])
    for (const open of await monitoring.openAlerts(endpoint, kind)) {
      const { alert, fact } = cleared(unwatched(open), {
        window: { endpoint, startMs: last?.startMs ?? open.raisedWindowMs },
        task: { dueMs: Math.max(open.raisedMs, atMs) },
      })
      await monitoring.saveAlert(alert)
      await ledger.append(platformActor('monitors'), [fact])
    }
}

function unwatched(alert: Alert): Alert {
  return { ...alert, detail: `${alert.detail}; its endpoint was removed` }
}
