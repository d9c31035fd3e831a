import type { Family, Sample } from '#protocols/prometheus/index'
import type { Monitoring, Window } from '#monitoring'
import type { SqlStore } from '#stores/sql/index'
import { gauge } from '../plane/metrics.ts'

/** Series that one endpoint may have for its columns: a model of ten thousand must not fill whoever scrapes it. */
const FEATURES_MAX = 100
const ALERTS_MAX = 10_000
/** Windows whose truth is not known yet come before the last one that is. */
const LOOKED_AT = 5

interface Told {
  /** Of the windows that it was told of. */
  readonly state: string
  readonly families: readonly Family[]
}

/**
 * What the monitors last found of each endpoint, and what somebody must hear of. Whoever scrapes asks far more often than
 * windows end: those of an endpoint are read when one came, or was judged anew.
 */
export function monitorMetrics(
  monitoring: Monitoring,
  read: SqlStore['read'],
): (endpoints: readonly string[]) => Promise<Family[]> {
  let known = new Map<string, Told>()
  const toldOf = async (endpoint: string): Promise<Told> => {
    const [last, progress] = await Promise.all([
      read.monitoring.lastKnown(endpoint, LOOKED_AT),
      read.monitoring.progress(endpoint),
    ])
    const state = JSON.stringify([last, progress])
    const before = known.get(endpoint)
    if (before?.state === state) return before
    const windows =
      last.length === 0 ? [] : await monitoring.windows(endpoint, { limit: LOOKED_AT })
    return { state, families: familiesOf(windows) }
  }
  return async (endpoints) => {
    const told = new Map<string, Told>()
    for (const endpoint of endpoints) told.set(endpoint, await toldOf(endpoint))
    known = told
    return [
      ...familiesOf([]),
      ...[...told.values()].flatMap(({ families }) => families),
      ...(await alertFamilies(read)),
    ]
  }
}

/** Of one endpoint; without windows the names of what there will be. */
function familiesOf(windows: readonly Window[]): Family[] {
  const drift = windows.find((each) => each.drift.state === 'judged')
  const service = windows.find((each) => each.service !== undefined)
  const performance = windows.find((each) => each.performance?.state === 'measured')
  return [
    ...driftFamilies(drift === undefined ? [] : [drift]),
    ...performanceFamilies(performance === undefined ? [] : [performance]),
    ...serviceFamilies(service === undefined ? [] : [service]),
  ]
}

function performanceFamilies(windows: readonly Window[]): Family[] {
  const values: Sample[] = []
  const labels: Sample[] = []
  for (const { endpoint, performance } of windows) {
    if (performance?.state !== 'measured') continue
    labels.push({ labels: { endpoint }, value: performance.labels })
    for (const [metric, { value, ciLow, ciHigh }] of Object.entries(performance.metrics))
      for (const [bound, at] of [
        ['value', value],
        ['low', ciLow],
        ['high', ciHigh],
      ] as const)
        if (at !== null) values.push({ labels: { endpoint, metric, bound }, value: at })
  }
  return [
    gauge(
      'orrery_performance',
      'How good answers were in the last window whose truth is known, with the bounds of 95 % confidence.',
      values,
    ),
    gauge('orrery_performance_labels', 'Truths that this is known from.', labels),
  ]
}

function serviceFamilies(windows: readonly Window[]): Family[] {
  const found = windows.flatMap(({ endpoint, service }) =>
    service === undefined ? [] : [{ endpoint, service }],
  )
  const each = (
    valueOf: (service: NonNullable<Window['service']>) => number | null | undefined,
  ): Sample[] =>
    found.flatMap(({ endpoint, service }) => {
      const value = valueOf(service) ?? null
      return value === null ? [] : [{ labels: { endpoint }, value }]
    })
  return [
    gauge(
      'orrery_window_latency_seconds',
      'From request to answer in the last window, by quantile.',
      found.flatMap(({ endpoint, service: { latency } }) =>
        (
          [
            ['0.5', latency.p50Ms],
            ['0.9', latency.p90Ms],
            ['0.99', latency.p99Ms],
          ] as const
        ).flatMap(([quantile, ms]) =>
          ms === null ? [] : [{ labels: { endpoint, quantile }, value: ms / 1000 }],
        ),
      ),
    ),
    gauge(
      'orrery_window_predictions_per_second',
      'Predictions a second in the last window.',
      each(({ perSecond }) => perSecond),
    ),
    gauge(
      'orrery_window_error_ratio',
      'Share of the requests in the last window that failed though their callers did nothing wrong.',
      each(({ counted }) => counted?.errors),
    ),
    gauge(
      'orrery_window_cpu_seconds',
      'Processor time that the predictions of the last window took.',
      each(({ counted }) => counted?.cpuSeconds),
    ),
    gauge(
      'orrery_window_cost_per_thousand',
      'What a thousand predictions of the last window cost.',
      found.flatMap(({ endpoint, service: { cost } }) =>
        cost === null || cost.perThousand === null
          ? []
          : [{ labels: { endpoint, currency: cost.currency ?? '' }, value: cost.perThousand }],
      ),
    ),
  ]
}

function driftFamilies(windows: readonly Window[]): Family[] {
  const scores: Sample[] = []
  const left: Sample[] = []
  const shares: Sample[] = []
  for (const { endpoint, drift } of windows) {
    if (drift.state !== 'judged') continue
    shares.push({ labels: { endpoint }, value: drift.share })
    const compared = drift.features.flatMap((each) =>
      'effect' in each && each.effect !== null ? [each] : [],
    )
    const shown = compared.toSorted((one, other) => ratioOf(other) - ratioOf(one))
    for (const each of shown.slice(0, FEATURES_MAX))
      scores.push({
        labels: { endpoint, feature: each.feature, statistic: each.measure },
        value: ratioOf(each),
      })
    left.push({ labels: { endpoint }, value: Math.max(0, shown.length - FEATURES_MAX) })
  }
  return [
    gauge(
      'orrery_drift_score',
      'Effect of drift in the last window by its threshold: above 1 it counts, if chance and custom do not explain it. Of each endpoint the worst hundred columns.',
      scores,
    ),
    gauge(
      'orrery_drift_scores_left_out',
      'Columns whose score is not told, for there are too many.',
      left,
    ),
    gauge('orrery_drift_share', 'Share of the columns that drifted in the last window.', shares),
    gauge(
      'orrery_window_end_timestamp_seconds',
      'Where the last judged window ends, in the time of events.',
      windows.map(({ endpoint, endMs }) => ({ labels: { endpoint }, value: endMs / 1000 })),
    ),
    gauge(
      'orrery_window_predictions',
      'Predictions in the last judged window.',
      windows.map(({ endpoint, predictions }) => ({ labels: { endpoint }, value: predictions })),
    ),
  ]
}

function ratioOf({ effect, threshold }: { effect: number | null; threshold: number }): number {
  return (effect ?? 0) / threshold
}

async function alertFamilies(read: SqlStore['read']): Promise<Family[]> {
  const open = await read.alerting.troubles({ open: true, limit: ALERTS_MAX })
  const counts = new Map<string, { labels: Record<string, string>; value: number }>()
  for (const { endpoint, kind, severity, project, acknowledged } of open) {
    const labels = {
      project,
      endpoint,
      kind,
      severity,
      acknowledged: String(acknowledged !== null),
    }
    const key = JSON.stringify(labels)
    const found = counts.get(key) ?? { labels, value: 0 }
    found.value++
    counts.set(key, found)
  }
  const destinations = (await read.webhooks.enabled()).filter(({ dialect }) =>
    dialect.startsWith('alert-'),
  )
  return [
    gauge('orrery_open_alerts', 'Alerts that are not over.', [
      { labels: { project: '', endpoint: '', kind: '', severity: '', acknowledged: '' }, value: 0 },
      ...counts.values(),
    ]),
    gauge(
      'orrery_alert_destination_failures',
      'Failures of a destination of alerts since it last took one.',
      destinations.map(({ id, name, health }) => ({
        labels: { project: decodeURIComponent(id.split('/')[1] ?? ''), destination: name },
        value: health.failures,
      })),
    ),
  ]
}
