import type { KeptEstimator } from './parts/estimate-verdict.ts'
import type { Alert, AlertKind } from './alerts/findings.ts'
import type { NumericProfile, Profile } from '#drift'
import type { KnownWindow, Progress, Window } from './windows/window.ts'

/** What windows of a model version's predictions are compared with. */
export interface Reference {
  readonly modelVersion: string
  readonly profile: Profile
  /** What the version answers to its own training data; null when it could not be asked. */
  readonly prediction: NumericProfile | null
  /** Event time of the newest row trained on; null without a column of event time. */
  readonly trainedUntilMs: number | null
}

export interface WindowPage {
  readonly limit: number
  /** Only windows that start earlier. */
  readonly beforeMs?: number
}

export interface AlertPage {
  readonly endpoint?: string
  readonly open?: boolean
  readonly limit: number
  /** Only alerts raised before this one. */
  readonly before?: string
}

export interface MonitoringReads {
  findWindow(endpoint: string, startMs: number): Promise<Window | undefined>
  /** Newest first. */
  windows(endpoint: string, page: WindowPage): Promise<Window[]>
  /** Those that start in a span, without what was found. */
  knownWindows(endpoint: string, span: { fromMs: number; toMs: number }): Promise<KnownWindow[]>
  /** The newest first, without what was found: as long as they and the progress are the same, so is what was found. */
  lastKnown(endpoint: string, limit: number): Promise<KnownWindow[]>
  progress(endpoint: string): Promise<Progress>
  /** At most one for each subject. */
  openAlerts(endpoint: string, kind: AlertKind): Promise<Alert[]>
  findAlert(id: string): Promise<Alert | undefined>
  /** The last raised first. */
  alerts(page: AlertPage): Promise<Alert[]>
  findReference(key: string): Promise<Reference | undefined>
  findEstimator(key: string): Promise<KeptEstimator | undefined>
}

export interface MonitoringWrites extends MonitoringReads {
  saveWindow(window: Window): Promise<void>
  saveProgress(endpoint: string, progress: Progress): Promise<void>
  saveAlert(alert: Alert): Promise<void>
  saveReference(key: string, reference: Reference): Promise<void>
  saveEstimator(key: string, estimator: KeptEstimator): Promise<void>
}
