import { useQueries, useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import type { SeriesWire } from '#protocols/api/runs-wire'
import { LIVE_MS, type MetricWire, type RunWire } from '#web/api/run.ts'
import { seriesQuery } from '#web/api/runs.ts'
import { LineChart } from '#web/charts/line-chart.tsx'
import { Trend } from '#web/charts/trend.tsx'
import { counted } from '#web/ui/format.ts'
import { sentenceOf } from './sentence.ts'
import { useRunView } from './use-view.ts'

/** As many series as one question may ask for. */
const OF_ONE_ASK = 20
const SHOWN = 40
const TREND_POINTS = 80
const NUMBER = new Intl.NumberFormat('en', { maximumSignificantDigits: 6, useGrouping: false })

/** What was measured: the last value of each metric and the way that led to it. One of them is drawn large. */
export function Metrics({
  run,
  metrics,
  live,
  none,
}: {
  run: RunWire
  metrics: readonly MetricWire[]
  live: boolean
  none: string
}) {
  const { view, change } = useRunView()
  const [search, setSearch] = useState('')
  const found = metrics.filter(({ key }) => key.toLowerCase().includes(search.toLowerCase()))
  const shown = found.slice(0, SHOWN)
  const trends = useTrends(
    run.info.run_id,
    shown.map(({ key }) => key),
    live,
  )
  if (metrics.length === 0) return <p className="text-sm text-ink-2">{none}</p>
  const drawn = shown.find(({ key }) => key === view.metric)
  return (
    <div className="flex flex-col gap-3">
      {metrics.length > 12 ? (
        <input
          type="search"
          aria-label="Find a metric"
          placeholder={`Find one of ${counted(metrics.length, 'metric')}`}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          className="field"
        />
      ) : null}
      {drawn === undefined ? null : <Large runId={run.info.run_id} metric={drawn} live={live} />}
      <ul className="flex flex-col">
        {shown.map((metric) => (
          <Line
            key={metric.key}
            metric={metric}
            series={trends.get(metric.key)}
            isDrawn={metric === drawn}
            onDraw={() => change({ metric: metric === drawn ? undefined : metric.key })}
          />
        ))}
      </ul>
      {found.length > SHOWN ? (
        <p className="text-xs text-ink-3">and {found.length - SHOWN} more; find them by name</p>
      ) : null}
    </div>
  )
}

function useTrends(
  runId: string,
  keys: readonly string[],
  live: boolean,
): ReadonlyMap<string, SeriesWire> {
  const asks = Array.from({ length: Math.ceil(keys.length / OF_ONE_ASK) }, (_, at) =>
    keys.slice(at * OF_ONE_ASK, (at + 1) * OF_ONE_ASK),
  )
  const answers = useQueries({
    queries: asks.map((ask) =>
      seriesQuery([runId], ask, { points: TREND_POINTS, everyMs: live && LIVE_MS }),
    ),
  })
  return new Map(
    answers.flatMap(({ data }) => data ?? []).map((series) => [series.key, series] as const),
  )
}

function Line({
  metric,
  series,
  isDrawn,
  onDraw,
}: {
  metric: MetricWire
  series: SeriesWire | undefined
  isDrawn: boolean
  onDraw: () => void
}) {
  const { key, value } = metric
  return (
    <li className="border-t border-line first:border-t-0">
      <button
        type="button"
        data-row=""
        aria-pressed={isDrawn}
        title={series === undefined ? undefined : sentenceOf(series, value)}
        className="grid min-h-9 w-full cursor-pointer grid-cols-[minmax(0,1fr)_6rem_6rem] items-center gap-3 rounded px-1 text-left text-[0.8125rem] hover:bg-sunken aria-pressed:bg-sunken"
        onClick={onDraw}
      >
        <span className="truncate">{key}</span>
        {series !== undefined && series.values.length > 1 ? (
          <Trend values={series.values} />
        ) : (
          <span />
        )}
        <span className="text-right font-mono text-xs tabular-nums">
          {typeof value === 'number' ? NUMBER.format(value) : value}
        </span>
      </button>
    </li>
  )
}

function Large({ runId, metric, live }: { runId: string; metric: MetricWire; live: boolean }) {
  const { key } = metric
  const { data } = useQuery(seriesQuery([runId], [key], { everyMs: live && LIVE_MS }))
  const series = data?.find((each) => each.key === key)
  const lines = useMemo(
    () =>
      series === undefined ? [] : [{ name: key, ink: 'line-1', x: series.steps, y: series.values }],
    [series, key],
  )
  if (series === undefined) return null
  const sentence = sentenceOf(series, metric.value)
  return (
    <figure className="min-w-0 rounded-lg border border-line p-3">
      <figcaption className="pb-2 text-[0.8125rem] text-ink-2">{sentence}</figcaption>
      <LineChart
        title={`${key} over its steps`}
        lines={lines}
        smoothing={0}
        scale="linear"
        axis="number"
        sync={`run-${runId}`}
      />
    </figure>
  )
}
