import type { Alert, Happening, Report, Window } from '#monitoring'
import { heatOf, summaryOf } from '../monitoring-summary.ts'
import type { ExplainedAlert, HeatRow, WindowSummary } from '../monitoring-wire.ts'
import { explainedAlertToWire } from '../monitors.ts'

/** What was found of an endpoint in a time, how sure that is, why it is so and what was done. */
export interface ReportWire {
  readonly endpoint: string
  readonly from: string
  readonly to: string
  readonly made: string
  /** In sentences, the most important first. */
  readonly summary: readonly string[]
  readonly watched: {
    readonly window: string
    readonly reference: string
    readonly settle: string
    readonly limits: readonly string[]
  }
  readonly predictions: number
  readonly versions: readonly VersionShown[]
  readonly alerts: readonly ReportedAlert[]
  /** Oldest first. */
  readonly windows: readonly WindowSummary[]
  /** Columns by windows, those that moved most first. */
  readonly heat: readonly HeatRow[]
  /** Columns that are not in `heat`. */
  readonly left: number
  readonly quality: readonly QualityShown[]
  readonly slices: readonly SliceShown[]
  /** Oldest first. */
  readonly done: readonly DoneShown[]
}

export interface VersionShown {
  readonly version: string
  readonly from: string
  readonly to: string
  readonly predictions: number
}

export interface ReportedAlert extends ExplainedAlert {
  /** The columns that had moved most in the window that raised it. */
  readonly evidence: readonly EvidenceShown[]
  /** While it was open. */
  readonly done: readonly DoneShown[]
}

export interface EvidenceShown {
  readonly column: string
  readonly effect: number | null
  readonly threshold: number
  readonly p: number
}

export interface QualityShown {
  readonly column: string
  readonly check: string
  readonly severity: string
  readonly windows: number
  readonly first: string
  readonly last: string
  readonly detail: string
}

export interface SliceShown {
  readonly name: string
  readonly share: number
  readonly loss: number
  readonly elsewhere: number
  readonly of: string
  readonly p: number
}

export interface DoneShown {
  readonly position: number
  readonly at: string
  readonly type: string
  readonly detail: string
}

const HEAT_MAX = 30
const EVIDENCE_MAX = 5
const DONE_MAX = 8

export function reportToWire(report: Report, nowMs: number): ReportWire {
  const { endpoint, fromMs, toMs, windows, done } = report
  const alerts = report.alerts.map((alert) => reportedAlert(alert, { windows, done }))
  return {
    endpoint,
    from: iso(fromMs),
    to: iso(toMs),
    made: iso(nowMs),
    summary: summaryIn(report),
    watched: watchedBy(report),
    predictions: windows.reduce((sum, { predictions }) => sum + predictions, 0),
    versions: versionsIn(windows),
    alerts,
    windows: windows.map(summaryOf),
    ...heatOf(windows, HEAT_MAX),
    quality: qualityIn(windows),
    slices: slicesIn(windows),
    done: done.map(doneToWire),
  }
}

function reportedAlert(
  alert: Alert,
  { windows, done }: Pick<Report, 'windows' | 'done'>,
): ReportedAlert {
  const own = done.filter((each) => isAbout(each, alert))
  const raised = windows.find(({ startMs }) => startMs === alert.raisedWindowMs)
  return {
    ...explainedAlertToWire(alert),
    evidence: alert.kind === 'drift' ? evidenceIn(raised) : [],
    done: own.slice(0, DONE_MAX).map(doneToWire),
  }
}

/** What somebody or a policy did while it was open. */
function isAbout({ type, atMs, detail }: Happening, alert: Alert): boolean {
  // An acknowledgement is of one alert, and may be told long after in event time.
  if (type === 'alert-acknowledged') return detail.includes(`alert ${alert.id},`)
  if (!/^(policy|promotion|rollout|silence)-/.test(type)) return false
  return atMs >= alert.raisedWindowMs && atMs <= (alert.clearedMs ?? Infinity)
}

function evidenceIn(window: Window | undefined): EvidenceShown[] {
  if (window === undefined || window.drift.state === 'skipped') return []
  const { features, prediction } = window.drift
  return [...features, prediction]
    .flatMap((each) => (each?.state === 'drifted' ? [each] : []))
    .map(({ feature, effect, threshold, p }) => ({ column: feature, effect, threshold, p }))
    .toSorted((one, other) => excessOf(other) - excessOf(one))
    .slice(0, EVIDENCE_MAX)
}

function excessOf({ effect, threshold }: EvidenceShown): number {
  return (effect ?? 0) / threshold
}

function summaryIn({ alerts, windows, endpoint }: Report): string[] {
  const open = alerts.filter(({ clearedMs }) => clearedMs === null)
  const critical = open.filter(({ severity }) => severity === 'critical')
  const asked = windows.filter(({ predictions }) => predictions > 0)
  if (alerts.length === 0)
    return [
      `Nothing was found in ${counted(windows.length, 'window')} of ${endpoint} that somebody must hear of.`,
    ]
  const now =
    open.length === 0
      ? 'all are over'
      : `${counted(open.length, 'is', 'are')} still open${critical.length === 0 ? '' : `, ${critical.length} of them critical`}`
  const first = alerts.toSorted(byWeight)[0]
  const cause = first?.causes?.ranked[0]
  const silent = windows.length - asked.length
  return [
    `${counted(alerts.length, 'alert was', 'alerts were')} raised; ${now}.`,
    ...(first === undefined ? [] : [sentence(first.detail)]),
    ...(cause === undefined ? [] : [`The likeliest cause: ${cause.detail}.`]),
    ...(silent === 0 ? [] : [`Nobody asked in ${counted(silent, 'window')}.`]),
  ]
}

/** What is open and critical first, then what tells most of the answers. */
function byWeight(one: Alert, other: Alert): number {
  return weightOf(one) - weightOf(other) || one.raisedMs - other.raisedMs
}

const KINDS_FIRST = ['performance', 'estimate', 'drift', 'quality', 'concept', 'fairness', 'kpis']

function weightOf({ kind, clearedMs, severity }: Alert): number {
  const place = KINDS_FIRST.indexOf(kind)
  return (
    (clearedMs === null ? 0 : 1000) +
    (severity === 'critical' ? 0 : 100) +
    (place === -1 ? KINDS_FIRST.length : place)
  )
}

/** Names of metrics stay as they are. */
function sentence(text: string): string {
  if (/^\w*_/.test(text)) return `${text}.`
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function watchedBy({ monitor }: Report): ReportWire['watched'] {
  const { window, reference = 'training', settle, performance, drift } = monitor
  const compared = comparedWith(reference)
  const { windows, of } = drift.persistence
  const metrics = [
    ...(performance?.metric === undefined ? [] : [{ ...performance, metric: performance.metric }]),
    ...(performance?.metrics ?? []),
  ]
  const limits = metrics.map(({ metric, min, max }) =>
    [metric, min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`]
      .filter((part) => part !== '')
      .join(' '),
  )
  const share = `${Math.round(drift.alert_share * 100)} % of columns drifted, in ${windows} of ${of} windows`
  return { window: window.size, reference: compared, settle, limits: [share, ...limits] }
}

function comparedWith(reference: NonNullable<Report['monitor']['reference']>): string {
  if (typeof reference === 'string') return reference
  return 'data' in reference ? reference.data : `${reference.from} to ${reference.to}`
}

function versionsIn(windows: readonly Window[]): VersionShown[] {
  const versions: VersionShown[] = []
  for (const { modelVersion, startMs, endMs, predictions } of windows) {
    const last = versions.at(-1)
    if (last?.version === modelVersion)
      versions[versions.length - 1] = {
        ...last,
        to: iso(endMs),
        predictions: last.predictions + predictions,
      }
    else versions.push({ version: modelVersion, from: iso(startMs), to: iso(endMs), predictions })
  }
  return versions
}

function qualityIn(windows: readonly Window[]): QualityShown[] {
  const found = new Map<string, QualityShown>()
  for (const { startMs, quality } of windows) {
    if (quality?.state !== 'judged') continue
    for (const { column, check, severity, detail } of quality.issues) {
      const key = `${check}\0${column}`
      const before = found.get(key)
      found.set(key, {
        column,
        check,
        detail,
        severity: before?.severity === 'critical' ? 'critical' : severity,
        windows: (before?.windows ?? 0) + 1,
        first: before?.first ?? iso(startMs),
        last: iso(startMs),
      })
    }
  }
  return [...found.values()].toSorted((one, other) => other.windows - one.windows)
}

function slicesIn(windows: readonly Window[]): SliceShown[] {
  const last = windows.findLast(({ slices }) => slices?.state === 'searched')?.slices
  if (last?.state !== 'searched') return []
  return last.slices.map(({ name, share, loss, elsewhere, p }) => ({
    name,
    share,
    loss,
    elsewhere,
    of: last.loss,
    p,
  }))
}

function doneToWire({ position, atMs, type, detail }: Happening): DoneShown {
  return { position, at: iso(atMs), type, detail }
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
