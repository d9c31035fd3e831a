import { Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import type { SeriesWire } from '#protocols/api/runs-wire'
import { columnsQuery, seriesQuery, wholeRunsQuery } from '#web/api/runs.ts'
import { LineChart, type Line } from '#web/charts/line-chart.tsx'
import { cellText } from './cell.ts'

type Axis = 'step' | 'relative' | 'wall'
const CHARTS_MAX = 12
const INKS = [
  'line-1',
  'line-2',
  'line-3',
  'line-4',
  'line-5',
  'line-6',
  'line-7',
  'line-8',
] as const

/** The metrics of the chosen runs over their steps or time, one chart a metric. */
export function Charts({ runIds }: { runIds: readonly string[] }) {
  const [axis, setAxis] = useState<Axis>('step')
  const [log, setLog] = useState(false)
  const [smoothing, setSmoothing] = useState(0)
  const filter = `attributes.run_id IN (${runIds.map((id) => `'${id}'`).join(', ')})`
  const columns = useQuery(columnsQuery({ filter }))
  const keys = useMemo(
    () => (columns.data?.metrics.keys ?? []).slice(0, CHARTS_MAX).map(({ key }) => key),
    [columns.data],
  )
  const series = useQuery(seriesQuery(runIds, keys))
  const charts = useMemo(
    () => keys.map((key) => ({ key, lines: linesOf(series.data ?? [], { key, axis, runIds }) })),
    [series.data, keys, axis, runIds],
  )
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3 overflow-auto">
      <Controls {...{ axis, setAxis, log, setLog, smoothing, setSmoothing }} />
      <Legend runIds={runIds} />
      {columns.data !== undefined && keys.length === 0 ? (
        <p className="text-ink-2">These runs have logged no metric.</p>
      ) : null}
      <div className="grid grid-cols-1 gap-4 xl:grid-cols-2">
        {charts.map(({ key, lines }) => (
          <figure key={key} className="min-w-0 rounded-lg border border-line bg-surface p-3">
            <figcaption className="text-sm font-medium">{key}</figcaption>
            <LineChart
              title={`${key}: ${lines.length} lines`}
              lines={lines}
              smoothing={smoothing}
              scale={log ? 'log' : 'linear'}
              axis={axis === 'wall' ? 'time' : 'number'}
              sync={`runs-${axis}`}
            />
          </figure>
        ))}
      </div>
    </div>
  )
}

function Controls(parts: {
  axis: Axis
  setAxis: (axis: Axis) => void
  log: boolean
  setLog: (log: boolean) => void
  smoothing: number
  setSmoothing: (smoothing: number) => void
}) {
  const { axis, setAxis, log, setLog, smoothing, setSmoothing } = parts
  return (
    <div className="flex flex-wrap items-center gap-4 text-sm">
      <label className="flex items-center gap-2">
        Smoothing
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={smoothing}
          onChange={(event) => setSmoothing(Number(event.target.value))}
        />
        <span className="w-8 tabular-nums">{smoothing.toFixed(2)}</span>
      </label>
      <label className="flex items-center gap-2">
        Over
        <select
          className="field w-auto"
          value={axis}
          onChange={(event) => setAxis(event.target.value as Axis)}
        >
          <option value="step">steps</option>
          <option value="relative">seconds since the first</option>
          <option value="wall">time of day</option>
        </select>
      </label>
      <label className="flex items-center gap-2">
        <input type="checkbox" checked={log} onChange={() => setLog(!log)} />
        Logarithmic
      </label>
    </div>
  )
}

function Legend({ runIds }: { runIds: readonly string[] }) {
  const whole = useQuery(wholeRunsQuery(runIds))
  const names = new Map(
    whole.data?.runs.map(({ runId, values }) => [
      runId,
      cellText('', values['attributes.run_name'] ?? null),
    ]),
  )
  return (
    <ul aria-label="Lines" className="flex flex-wrap gap-x-4 gap-y-1 text-xs">
      {runIds.map((runId, at) => (
        <li key={runId} className="flex items-center gap-1.5">
          <span
            aria-hidden
            className="h-0.5 w-4 rounded"
            style={{ background: `var(--${inkOf(at)})` }}
          />
          <Link
            to="/runs/$run"
            params={{ run: runId }}
            search={{}}
            className="underline-offset-2 hover:text-accent hover:underline"
          >
            {names.get(runId) ?? runId.slice(0, 8)}
          </Link>
        </li>
      ))}
    </ul>
  )
}

function inkOf(at: number): string {
  return INKS[at % INKS.length] ?? 'line-1'
}

function linesOf(
  series: readonly SeriesWire[],
  { key, axis, runIds }: { key: string; axis: Axis; runIds: readonly string[] },
): Line[] {
  return series
    .filter((each) => each.key === key)
    .map(({ runId, steps, times, values }) => {
      const first = Math.min(...times)
      const seconds = (from: number) => times.map((time) => (time - from) / 1000)
      return {
        name: runId,
        ink: inkOf(runIds.indexOf(runId)),
        x: axis === 'step' ? steps : seconds(axis === 'wall' ? 0 : first),
        y: values,
      }
    })
}
