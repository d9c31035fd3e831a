import type { Fact } from '#ledger'
import type { MonitorConfig } from '#projects'
import { transitions, type OpenAlerts } from './alerts.ts'
import { FINDING_TYPES } from './findings.ts'
import type { Holding, Part } from '../parts/part.ts'
import { PARTS } from '../parts/index.ts'
import { windowRef, type Task, type Window } from '../windows/window.ts'

/** Windows that could not be judged lie between those that could. */
const EARLIER_PER_WINDOW = 4

/** How many windows before one have to be seen to say what holds at it. */
export function lookbackOf(monitor: MonitorConfig): number {
  return EARLIER_PER_WINDOW * Math.max(...PARTS.map((part) => part.lookback(monitor)))
}

/**
 * Gives the facts of what holds at a window, and of the alerts that it raises and clears. `earlier`: the windows
 * before it, oldest first. The same when it happens and when a rule is tried on history.
 */
export async function told(
  alerts: OpenAlerts,
  {
    window,
    earlier,
    monitor,
    task,
  }: { window: Window; earlier: readonly Window[]; monitor: MonitorConfig; task: Task },
): Promise<Fact[]> {
  const facts: Fact[] = []
  for (const part of PARTS.filter(({ due }) => due === task.due)) {
    if (part.kind in (window.failed ?? {})) continue
    const conditions = part.conditions(window, earlier, monitor)
    if (conditions === 'unjudged') continue
    for (const condition of conditions)
      if (condition.state === 'holds')
        facts.push(findingOf(part, condition, { window, monitor, task }))
    facts.push(...(await transitions(alerts, part, conditions, { window, task })))
  }
  return facts
}

/** What holds, in the words of its part, with what it is about. */
function findingOf(
  part: Part,
  condition: Holding,
  { window, monitor, task }: { window: Window; monitor: MonitorConfig; task: Task },
): Fact {
  const { subject, severity, detail } = condition
  const { endpoint, modelVersion, startMs, endMs } = window
  const fact = part.finding?.(window, condition, { monitor, task }) ?? {
    type: FINDING_TYPES[part.kind],
    data: { endpoint, window: windowRef(window).id, modelVersion, detail },
    eventMs: task.dueMs,
  }
  const of = { kind: part.kind, subject, severity, modelVersion }
  const span = { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() }
  return { ...fact, data: { ...fact.data, ...of, ...span } }
}
