import { useMemo } from 'react'
import type uPlot from 'uplot'
import type { MetricShown, MonitoringWire, WindowSummary } from '#protocols/api/monitoring-wire'
import type { ChartLook } from '#web/charts/chart-options.ts'
import { TimeChart } from '#web/charts/time-chart.tsx'
import { digits, windowName } from './monitoring-words.ts'

type Values = readonly (MetricShown | null)[]

/** Performance by truths with what is estimated beside it, then each KPI and each measure of fairness. */
export function Charts({
  monitoring: { windows, limits },
  chosen,
  onChoose,
}: {
  monitoring: MonitoringWire
  chosen: number
  onChoose: (at: number) => void
}) {
  const metric = windows.findLast(({ performance }) => performance !== null)?.performance?.metric
  const estimated = windows.findLast(({ estimate }) => estimate !== null)?.estimate?.metric
  const main = metric ?? estimated
  const limit =
    limits.performance?.metric === main
      ? (limits.performance?.min ?? limits.performance?.max ?? null)
      : null
  const shared = { windows, chosen, onChoose }
  return (
    <>
      {main === undefined ? (
        <p className="text-sm text-ink-2">No truth has come, and nothing is estimated yet.</p>
      ) : (
        <MetricChart
          {...shared}
          name={main}
          limit={limit}
          values={windows.map(({ performance }) => performance)}
          estimates={windows.map(({ estimate }) => (estimate?.metric === main ? estimate : null))}
        />
      )}
      {namesIn(windows, ({ kpis }) => kpis.map(({ metric: name }) => name)).map((name) => (
        <MetricChart
          {...shared}
          key={name}
          name={name}
          limit={null}
          values={windows.map(({ kpis }) => kpis.find((kpi) => kpi.metric === name) ?? null)}
        />
      ))}
      {namesIn(windows, ({ fairness }) => fairness.map(({ by }) => by)).map((by) => (
        <MetricChart
          {...shared}
          key={by}
          name={`${windows.flatMap(({ fairness }) => fairness).find((each) => each.by === by)?.metric ?? ''} by ${by}`}
          limit={null}
          values={windows.map(({ fairness }) => fairness.find((each) => each.by === by) ?? null)}
        />
      ))}
    </>
  )
}

function namesIn(
  windows: readonly WindowSummary[],
  names: (window: WindowSummary) => readonly string[],
): string[] {
  return [...new Set(windows.flatMap(names))]
}

function MetricChart({
  windows,
  name,
  limit,
  values,
  estimates,
  chosen,
  onChoose,
}: {
  windows: readonly WindowSummary[]
  name: string
  limit: number | null
  values: Values
  estimates?: Values
  chosen: number
  onChoose: (at: number) => void
}) {
  const look = useMemo(() => metricLook(name, limit), [name, limit])
  const data = useMemo(
    () => metricData(windows, values, estimates ?? []),
    // The lists are made of the windows.
    // oxlint-disable-next-line react/exhaustive-deps
    [windows, name],
  )
  const isEstimated = estimates?.some((each) => each !== null) === true
  return (
    // The slider below does by keyboard what a click does.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <div className="flex flex-col gap-1">
      <p className="flex flex-wrap items-center gap-x-4 text-xs text-ink-3">
        <span className="flex items-center gap-2">
          <span aria-hidden className="h-0.5 w-3 rounded-full bg-chart-auc" />
          <span className="font-medium text-ink">{name}</span> by truths, with its 95 % interval
        </span>
        {isEstimated ? (
          <span className="flex items-center gap-2">
            <span aria-hidden className="w-4 border-t-2 border-dashed border-chart-estimate" />
            <em>estimated</em> without truths
          </span>
        ) : null}
        {limit === null ? null : (
          <span className="flex items-center gap-2">
            <span aria-hidden className="w-4 border-t border-dashed border-ink-3" />
            limit {digits(limit)}
          </span>
        )}
      </p>
      <div className="relative -m-1 rounded-lg p-1 has-focus-visible:outline-2 has-focus-visible:outline-accent">
        <input
          type="range"
          className="sr-only"
          aria-label={`${name}: window`}
          aria-valuetext={valueSentence(windows[chosen], {
            name,
            value: values[chosen],
            estimate: estimates?.[chosen],
          })}
          min={0}
          max={Math.max(0, windows.length - 1)}
          value={Math.max(0, chosen)}
          onChange={({ target }) => onChoose(Number(target.value))}
        />
        <TimeChart look={look} data={data} cursor={chosen} onCursor={ignore} />
      </div>
    </div>
  )
}

/** The chosen window stays under the cursor: pointing at another one only reads it. */
function ignore(): void {
  // Nothing follows the pointer here.
}

function valueSentence(
  window: WindowSummary | undefined,
  of: {
    name: string
    value: MetricShown | null | undefined
    estimate: MetricShown | null | undefined
  },
): string {
  if (window === undefined) return 'no window'
  const measured = of.value == null ? 'not known' : digits(of.value.value)
  const estimated = of.estimate == null ? '' : `, estimated ${digits(of.estimate.value)}`
  return `${windowName(window)}: ${of.name} ${measured}${estimated}`
}

function metricLook(name: string, limit: number | null): ChartLook {
  return {
    height: 190,
    series: [
      { name, kind: 'line', ink: 'chart-auc' },
      { name: 'upper', kind: 'edge', ink: 'chart-auc' },
      { name: 'lower', kind: 'edge', ink: 'chart-auc' },
      { name: 'estimated', kind: 'line', ink: 'chart-estimate', dash: [5, 4] },
      { name: 'upper estimate', kind: 'edge', ink: 'chart-estimate' },
      { name: 'lower estimate', kind: 'edge', ink: 'chart-estimate' },
    ],
    bands: [
      { upper: 2, lower: 3, ink: 'chart-band' },
      { upper: 5, lower: 6, ink: 'chart-estimate-band' },
    ],
    limit,
    range: (min, max) => {
      const [low, high] = [Math.min(min, limit ?? min), Math.max(max, limit ?? max)]
      const room = (high - low || Math.abs(high) || 1) * 0.08
      return [low - room, high + room]
    },
    print: digits,
    steps: [1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000, 1e4, 1e5],
    sync: 'monitoring',
    lanes: [],
    showTimes: true,
  }
}

function metricData(
  windows: readonly WindowSummary[],
  values: Values,
  estimates: Values,
): uPlot.AlignedData {
  const of = (list: Values, key: 'value' | 'ciLow' | 'ciHigh') =>
    windows.map((_, at) => list[at]?.[key] ?? null)
  return [
    windows.map(({ start }) => Date.parse(start) / 1000),
    of(values, 'value'),
    of(values, 'ciHigh'),
    of(values, 'ciLow'),
    of(estimates, 'value'),
    of(estimates, 'ciHigh'),
    of(estimates, 'ciLow'),
  ]
}
