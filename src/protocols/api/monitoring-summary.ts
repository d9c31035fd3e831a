import type { FeatureVerdict } from '#drift'
import type { Window } from '#monitoring'
import { partsOf } from './monitoring-parts.ts'
import type { HeatCell, HeatRow, MetricShown, WindowSummary } from './monitoring-wire.ts'

/** A window in a few numbers. */
export function summaryOf(window: Window): WindowSummary {
  const { startMs, endMs, modelVersion, predictions, profiled = 0, partial, drift } = window
  const performance = performanceOf(window)
  return {
    start: new Date(startMs).toISOString(),
    end: new Date(endMs).toISOString(),
    modelVersion,
    predictions,
    profiled,
    partial: partial === true,
    parts: partsOf(window),
    driftShare: drift.state === 'judged' ? drift.share : null,
    performance,
    estimate: estimateOf(window, performance?.metric),
    kpis: (window.kpis?.kpis ?? []).map(({ name, unit, value, ciLow, ciHigh }) => ({
      metric: name,
      value,
      ciLow,
      ciHigh,
      unit,
    })),
    fairness: fairnessOf(window),
  }
}

/** Columns by windows (oldest first), those that moved most first; and how many are left out. */
export function heatOf(
  windows: readonly Window[],
  rowsMax: number,
): { heat: HeatRow[]; left: number } {
  const rows = new Map<string | null, { measure: string; cells: HeatCell[] }>()
  windows.forEach(({ drift }, at) => {
    if (drift.state === 'skipped') return
    const of = (feature: string | null, verdict: FeatureVerdict) => {
      if (verdict.state === 'skipped') return
      const row = rows.get(feature) ?? { measure: verdict.measure, cells: windows.map(() => null) }
      row.cells[at] = cellOf(verdict, drift.usual?.[verdict.feature] ?? null)
      rows.set(feature, row)
    }
    for (const verdict of drift.features) of(verdict.feature, verdict)
    if (drift.prediction !== null) of(null, drift.prediction)
  })
  const ranked = [...rows]
    .map(([feature, { measure, cells }]) => ({ feature, measure, cells }))
    .toSorted((one, other) => weightOf(other) - weightOf(one))
  return { heat: ranked.slice(0, rowsMax), left: Math.max(0, ranked.length - rowsMax) }
}

function cellOf(
  verdict: Exclude<FeatureVerdict, { state: 'skipped' }>,
  usual: 'season' | 'beginning' | null,
): HeatCell {
  const { effect, threshold, missing, p, psi, values, state } = verdict
  return {
    drifted: state === 'drifted',
    excess: Math.max((effect ?? 0) / threshold, missing.difference / missing.threshold),
    effect,
    threshold,
    missing: missing.difference,
    p,
    psi,
    values,
    usual,
  }
}

/** What is answered stands first; then columns that drifted often, then those that came near. */
function weightOf({ feature, cells }: HeatRow): number {
  if (feature === null) return Infinity
  const drifted = cells.filter((cell) => cell?.drifted === true).length
  const most = Math.max(0, ...cells.map((cell) => cell?.excess ?? 0))
  return drifted + most / (1 + most)
}

function performanceOf({ performance }: Window): WindowSummary['performance'] {
  if (performance?.state !== 'measured') return null
  const { main, metrics, labels } = performance
  const metric = metrics[main]
  return metric === undefined ? null : { ...metricShown(main, metric), labels }
}

function estimateOf({ estimate }: Window, main: string | undefined): MetricShown | null {
  if (estimate?.state !== 'estimated') return null
  const { estimates, limit } = estimate
  const found =
    estimates.find(({ metric }) => metric === (main ?? limit?.metric)) ??
    (main === undefined ? estimates[0] : undefined)
  return found === undefined ? null : metricShown(found.metric, found)
}

/** One metric for each column: the first that is limited, else how far the shares of positive answers are apart. */
function fairnessOf({ fairness }: Window): WindowSummary['fairness'] {
  if (fairness?.state !== 'measured') return []
  return fairness.columns.flatMap(({ by, metrics }) => {
    const names = Object.keys(metrics)
    const limited = fairness.limits.find(({ metric }) => names.includes(metric))?.metric
    const name = limited ?? names[0]
    const metric = name === undefined ? undefined : metrics[name]
    return name === undefined || metric === undefined ? [] : [{ by, ...metricShown(name, metric) }]
  })
}

function metricShown(
  metric: string,
  { value, ciLow, ciHigh }: Omit<MetricShown, 'metric'>,
): MetricShown {
  return { metric, value, ciLow, ciHigh }
}
