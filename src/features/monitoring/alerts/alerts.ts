import type { Fact } from '#ledger'
import { alertCleared, alertRaised, alertWorsened, type Moment } from '../facts.ts'
import type { Alert, Condition } from './findings.ts'
import type { Holding, Part } from '../parts/part.ts'
import type { MonitoringWrites } from '../store.ts'
import { windowRef, type Task, type Window } from '../windows/window.ts'

/** Where the alerts of endpoints stand. */
export type OpenAlerts = Pick<MonitoringWrites, 'openAlerts' | 'saveAlert'>

/**
 * Raises, worsens and clears the alerts of one part by what it says of its subjects at a window, and gives the
 * facts that tell of it. One alert of a kind and subject is open at a time.
 */
export async function transitions(
  monitoring: OpenAlerts,
  { kind }: Pick<Part, 'kind'>,
  conditions: readonly Condition[],
  at: { window: Window; task: Task },
): Promise<Fact[]> {
  const { endpoint } = at.window
  const open = await monitoring.openAlerts(endpoint, kind)
  const bySubject = new Map(open.map((alert) => [alert.subject, alert]))
  const facts: Fact[] = []
  for (const condition of conditions) {
    const alert = bySubject.get(condition.subject)
    const next = nextOf(alert, condition, { kind, ...at })
    if (next === undefined) continue
    await monitoring.saveAlert(next.alert)
    facts.push(next.fact)
  }
  const watched = new Set(conditions.map(({ subject }) => subject))
  for (const alert of open.filter(({ subject }) => !watched.has(subject))) {
    const unwatched = cleared({ ...alert, detail: `${alert.detail}; no longer watched` }, at)
    await monitoring.saveAlert(unwatched.alert)
    facts.push(unwatched.fact)
  }
  return facts
}

interface Next {
  readonly alert: Alert
  readonly fact: Fact
}

function nextOf(
  alert: Alert | undefined,
  condition: Condition,
  at: { kind: Part['kind']; window: Window; task: Task },
): Next | undefined {
  if (alert === undefined) return condition.state === 'holds' ? raised(condition, at) : undefined
  if (condition.state === 'over') return cleared(alert, at)
  if (condition.state === 'open' || condition.severity === 'warning') return undefined
  if (alert.severity === 'critical') return undefined
  const { severity, detail } = condition
  const worse: Alert = { ...alert, severity, detail }
  return { alert: worse, fact: alertWorsened(worse, at) }
}

function raised(
  { subject, severity, detail }: Holding,
  { kind, window, task }: { kind: Part['kind']; window: Window; task: Task },
): Next {
  const alert: Alert = {
    id: [kind, windowRef(window).id, ...(subject === '' ? [] : [subject])].join('/'),
    endpoint: window.endpoint,
    kind,
    subject,
    severity,
    detail,
    raisedWindowMs: window.startMs,
    raisedMs: task.dueMs,
    clearedWindowMs: null,
    clearedMs: null,
  }
  return { alert, fact: alertRaised(alert) }
}

/** An alert that is over, and the fact that tells so. */
export function cleared(alert: Alert, at: Moment): Next {
  const over: Alert = { ...alert, clearedWindowMs: at.window.startMs, clearedMs: at.task.dueMs }
  return { alert: over, fact: alertCleared(over, at) }
}
