import type { Causes } from './causes.ts'
import type { Severity } from './severity.ts'
import type { Verdicts } from '../windows/window.ts'

/** What an alert can be about: what parts find out about windows. */
export type AlertKind = keyof Verdicts

/** The types of the facts that tell, at each window, what holds: policies follow them. */
export const FINDING_TYPES: Readonly<Record<AlertKind, string>> = {
  drift: 'drift-detected',
  performance: 'performance-fell',
  traffic: 'endpoint-fell-silent',
  quality: 'quality-broke',
  estimate: 'estimate-fell',
  slices: 'slice-fell',
  fairness: 'fairness-broke',
  kpis: 'kpi-missed',
  concept: 'concept-drifted',
  multivariate: 'columns-came-apart',
  labels: 'labels-stopped',
  service: 'service-fell-short',
}

/** A finding that somebody must hear of, from the window that raised it to the one that cleared it. */
export interface Alert {
  readonly id: string
  readonly endpoint: string
  readonly kind: AlertKind
  /** What of its kind it is about: a column, metric, slice or group; empty for the whole. */
  readonly subject: string
  /** The worst that it was since it was raised. */
  readonly severity: Severity
  readonly detail: string
  readonly raisedWindowMs: number
  /** Event time at which it was raised. */
  readonly raisedMs: number
  readonly clearedWindowMs: number | null
  readonly clearedMs: number | null
  /** Why; absent until somebody has looked. */
  readonly causes?: Causes
}

/** Whether something about a subject holds at a window, seen with the windows before it. */
export type Condition =
  | {
      readonly state: 'holds'
      readonly subject: string
      readonly severity: Severity
      readonly detail: string
    }
  /** It was calm for long enough that an alert is over. */
  | { readonly state: 'over'; readonly subject: string }
  /** Neither, or it could not be judged: nothing changes. */
  | { readonly state: 'open'; readonly subject: string }
