import type { Fact } from '#ledger'
import { endpointRef } from '#serving'
import type { Causes } from './alerts/causes.ts'
import type { Alert } from './alerts/findings.ts'
import type { Part } from './parts/part.ts'
import { plainFact } from './plain.ts'
import { windowRef, type Task, type Window } from './windows/window.ts'

export function windowEvaluated(window: Window, parts: readonly Part[], task: Task): Fact {
  const { endpoint, startMs, endMs, modelVersion, predictions, failed } = window
  return {
    type: 'window-evaluated',
    data: {
      endpoint,
      start: new Date(startMs).toISOString(),
      end: new Date(endMs).toISOString(),
      modelVersion,
      state: stateOf(task),
      predictions,
      ...Object.assign({}, ...parts.map((part) => part.told?.(window) ?? {})),
      ...(failed === undefined ? {} : { failed: { ...failed } }),
    },
    edges: [{ from: windowRef(window), relation: 'window-of', to: endpointRef(endpoint) }],
    eventMs: task.dueMs,
  }
}

/** `recomputed`: predictions or labels came after it was told of first. */
function stateOf({ due, reopened }: Task): string {
  if (reopened === true) return 'recomputed'
  return due === 'settled' ? 'settled' : 'provisional'
}

export function alertRaised(alert: Alert): Fact {
  const window = windowRef({ endpoint: alert.endpoint, startMs: alert.raisedWindowMs })
  return alertFact('alert-raised', alert, { window: window.id, eventMs: alert.raisedMs })
}

/** A window of an endpoint, and when something came of it. */
export interface Moment {
  readonly window: Pick<Window, 'endpoint' | 'startMs'>
  readonly task: Pick<Task, 'dueMs'>
}

/** An open alert became severer. */
export function alertWorsened(alert: Alert, by: { window: Window; task: Task }): Fact {
  return alertFact('alert-worsened', alert, atWindow(by))
}

export function alertCleared(alert: Alert, by: Moment): Fact {
  return alertFact('alert-cleared', alert, atWindow(by))
}

/** A fact stays small: the alert itself has all causes. */
const CAUSES_TOLD = 5

export function alertExplained(
  { endpoint, kind, subject, id }: Alert,
  { ranked }: Causes,
  { dueMs }: Task,
): Fact {
  const causes = ranked.slice(0, CAUSES_TOLD).map(({ kind: of, subject: what, share, detail }) => ({
    kind: of,
    subject: what,
    share,
    detail,
  }))
  return plainFact({
    type: 'alert-explained',
    data: { endpoint, kind, subject, alert: id, causes },
    eventMs: dueMs,
  })
}

function atWindow({ window, task }: Moment) {
  return { window: windowRef(window).id, eventMs: task.dueMs }
}

function alertFact(
  type: string,
  { endpoint, kind, subject, severity, id, detail }: Alert,
  { window, eventMs }: { window: string; eventMs: number },
): Fact {
  return { type, data: { endpoint, kind, subject, severity, alert: id, window, detail }, eventMs }
}
