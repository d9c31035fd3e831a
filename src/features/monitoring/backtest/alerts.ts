import type { OpenAlerts } from '../alerts/alerts.ts'
import type { Alert } from '../alerts/findings.ts'

/** Alerts that are kept nowhere else, beginning with those that were open. */
export interface MemoryAlerts extends OpenAlerts {
  all(): Alert[]
}

export function memoryAlerts(open: readonly Alert[]): MemoryAlerts {
  const alerts = new Map<string, Alert>()
  for (const alert of open)
    alerts.set(alert.id, { ...alert, clearedMs: null, clearedWindowMs: null })
  return {
    openAlerts: async (_, kind) =>
      [...alerts.values()]
        .filter((alert) => alert.kind === kind && alert.clearedMs === null)
        .toSorted(inOrder),
    saveAlert: async (alert) => {
      alerts.set(alert.id, alert)
    },
    all: () => [...alerts.values()].toSorted(inOrder),
  }
}

function inOrder(one: Alert, other: Alert): number {
  return one.raisedMs - other.raisedMs || (one.id < other.id ? -1 : 1)
}
