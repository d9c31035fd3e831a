import { Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useMemo, useState } from 'react'
import type { SeriesWire } from '#protocols/api/runs-wire'
import { columnsQuery, seriesQuery, wholeRunsQuery } from '#web/api/runs.ts'
import { LineChart, type Line } from '#web/charts/line-chart.tsx'
import { cellText } from './cell.ts'

type Axis = 'step' | 'relative' | 'wall'
const CHARTS_MAX = 12
const DASHES = [undefined, [6, 3], [2, 2]] as const
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
  const names = useNames(runIds)
  const [axis, setAxis] = useState<Axis>('step')
  const [log, setLog] = useState(false)
  const [smoothing, setSmoothing] = useState(0)
  // The slider stays under the hand while many lines are drawn after it.
  const drawnSmoothing = useDeferredValue(smoothing)
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
      <Legend runIds={runIds} names={names} />
      {columns.data !== undefined && keys.length === 0 ? (
        <p className="text-ink-2">These runs have logged no metric.</p>
      ) : null}
      <div className="grid grid-cols-1 gap-4 xl:grid-cols-2">
        {charts.map(({ key, lines }) => (
          <figure key={key} className="min-w-0 rounded-lg border border-line bg-surface p-3">
            <figcaption className="pb-1 text-sm font-medium">
              {key}
              <span className="block text-xs font-normal text-ink-3">
                {sentenceOf(lines, names)}
              </span>
            </figcaption>
            <LineChart
              title={`${key}: ${lines.length} lines`}
              lines={lines}
              smoothing={drawnSmoothing}
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

/** What the runs are called. */
function useNames(runIds: readonly string[]): ReadonlyMap<string, string> {
  const whole = useQuery(wholeRunsQuery(runIds))
  return new Map(
    whole.data?.runs.map(({ runId, values }) => [
      runId,
      cellText('', values['attributes.run_name'] ?? null),
    ]),
  )
}

/** What a chart says, in words: how low and how high its lines go. Points left out are never the extremes. */
function sentenceOf(lines: readonly Line[], names: ReadonlyMap<string, string>): string {
  const points = lines.flatMap(({ name, y }) =>
    y.flatMap((value) => (value === null ? [] : [{ name: names.get(name) ?? name, value }])),
  )
  const [first] = points
  if (first === undefined) return 'No line has a number.'
  const lowest = points.reduce((least, each) => (each.value < least.value ? each : least), first)
  const highest = points.reduce((most, each) => (each.value > most.value ? each : most), first)
  return `From ${cellText('', lowest.value)} (${lowest.name}) to ${cellText('', highest.value)} (${highest.name}).`
}

function Legend({
  runIds,
  names,
}: {
  runIds: readonly string[]
  names: ReadonlyMap<string, string>
}) {
  return (
    <ul aria-label="Lines" className="flex flex-wrap gap-x-4 gap-y-1 text-xs">
      {runIds.map((runId, at) => (
        <li key={runId} className="flex items-center gap-1.5">
          <svg aria-hidden viewBox="0 0 20 4" className="h-1 w-5 shrink-0">
            <path
              d="M0 2H20"
              stroke={`var(--${inkOf(at)})`}
              strokeWidth={2.5}
              strokeDasharray={dashOf(at)?.join(' ')}
            />
          </svg>
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

/** After the last colour they begin again, dashed. */
function dashOf(at: number): readonly number[] | undefined {
  return DASHES[Math.floor(at / INKS.length) % DASHES.length]
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
        dash: dashOf(runIds.indexOf(runId)),
        x: axis === 'step' ? steps : seconds(axis === 'wall' ? 0 : first),
        y: values,
      }
    })
}
