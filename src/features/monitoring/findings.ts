import { persists, type Persistence } from './persistence.ts'
import { driftedFeatures, type Window } from './window.ts'

export type AlertKind = 'drift' | 'performance'

/** A finding that somebody must hear of, from the window that raised it to the one that cleared it. */
export interface Alert {
  readonly id: string
  readonly endpoint: string
  readonly kind: AlertKind
  readonly detail: string
  readonly raisedWindowMs: number
  /** Event time at which it was raised. */
  readonly raisedMs: number
  readonly clearedWindowMs: number | null
  readonly clearedMs: number | null
}

/** Whether a condition holds at a window, seen with the windows before it. */
export type Condition =
  | { readonly state: 'holds'; readonly detail: string }
  /** As many windows in a row were calm as it takes to raise an alert. */
  | { readonly state: 'over' }
  /** Neither, or the window could not be judged: nothing changes. */
  | { readonly state: 'open' }

/**
 * Drift has lasted. `earlier` are windows before this one, oldest first; only those of the same model version
 * count, for another version has another reference.
 */
export function driftCondition(
  window: Window,
  earlier: readonly Window[],
  persistence: Persistence,
): Condition {
  if (window.drift.state === 'skipped') return { state: 'open' }
  const flags = sameVersion(window, earlier).map(({ drift }) =>
    drift.state === 'judged' ? drift.alarming : null,
  )
  if (!persists(flags, persistence)) return calmed(flags, persistence)
  const names = driftedFeatures(window.drift).map(({ feature }) => feature)
  const subject =
    names.length === 0
      ? `${lastingFeatures(window)} drifted`
      : `${names.length} of ${window.drift.compared} features drifted (${shortList(names)})`
  return { state: 'holds', detail: `${subject}, ${lasting(persistence)}` }
}

/** Performance lies below the least that was asked for: lastingly, or in this window beyond doubt. */
export function performanceCondition(
  window: Window,
  earlier: readonly Window[],
  { min, persistence }: { min: number; persistence: Persistence },
): Condition {
  const { performance } = window
  if (performance === null || performance.state === 'too-few') return { state: 'open' }
  const flags = sameVersion(window, earlier).map(({ performance: each }) =>
    each === null || each.state === 'too-few' ? null : each.below !== 'no',
  )
  const { auc, ciLow, ciHigh, below } = performance
  const value = `ROC-AUC ${digits(auc)} (${digits(ciLow)} to ${digits(ciHigh)}, ${performance.labels} labels)`
  if (below === 'certainly')
    return { state: 'holds', detail: `${value} is below ${min} beyond doubt` }
  if (!persists(flags, persistence)) return calmed(flags, persistence)
  return { state: 'holds', detail: `${value}; below ${min}, ${lasting(persistence)}` }
}

/** An alert that one good day cleared would be raised again by the next bad one. */
function calmed(flags: readonly (boolean | null)[], { windows }: Persistence): Condition {
  const last = flags.filter((flag) => flag !== null).slice(-windows)
  const isOver = last.length === windows && !last.includes(true)
  return { state: isOver ? 'over' : 'open' }
}

function sameVersion(window: Window, earlier: readonly Window[]): Window[] {
  return [...earlier.filter((each) => each.modelVersion === window.modelVersion), window]
}

/** The persistence can hold although this window itself is calm. */
function lastingFeatures({ drift }: Window): string {
  return drift.state === 'judged' && drift.prediction?.state === 'drifted'
    ? 'what is predicted has'
    : 'features of the windows before'
}

function lasting({ windows, of }: Persistence): string {
  return `in at least ${windows} of the last ${of} windows`
}

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}

function digits(value: number): string {
  return value.toFixed(3)
}
