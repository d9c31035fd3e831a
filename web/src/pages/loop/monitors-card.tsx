import { Gauge } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { MarkWire, MonitorWire, OverviewWire, WindowWire } from '#protocols/api/overview-wire'
import { ShapeIcon } from '#web/charts/shape-icon.tsx'
import { TimeChart } from '#web/charts/time-chart.tsx'
import { Card } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { count, day, percent, score } from '#web/ui/format.ts'
import { driftSentence, latestWindows, performanceSentence } from './summary.ts'
import { useMonitor, useView } from './use-view.ts'
import { RANGES } from './view.ts'
import {
  driftData,
  driftLook,
  MARK_SHAPES,
  marksOn,
  performanceData,
  performanceLook,
} from './window-charts.ts'
import { WindowTable } from './window-table.tsx'

export function MonitorsCard({
  overview,
  className,
}: {
  overview: OverviewWire
  className: string
}) {
  const {
    view: { days = null },
  } = useView()
  const monitor = useMonitor(overview)
  const windows = useMemo(() => latestWindows(monitor, days), [monitor, days])
  return (
    <Card
      id="monitors"
      title="Monitors"
      Icon={Gauge}
      className={className}
      aside={
        (monitor?.windows.length ?? 0) === 0 ? null : (
          <div className="flex flex-wrap items-center gap-3">
            <EndpointChoice monitors={overview.monitors} chosen={monitor?.endpoint} />
            <RangeChoice chosen={days} />
          </div>
        )
      }
    >
      {monitor === undefined || monitor.windows.length === 0 ? (
        <Empty
          why="No window has been judged. Give the endpoint a monitor in orrery.yaml; a window is judged when its last hour has passed in the data."
          commands={['orrery project sync PROJECT']}
        />
      ) : (
        <Windows monitor={monitor} windows={windows} marks={overview.marks} />
      )}
    </Card>
  )
}

function Windows({
  monitor,
  windows,
  marks,
}: {
  monitor: MonitorWire
  windows: readonly WindowWire[]
  marks: readonly MarkWire[]
}) {
  const [pointed, setPointed] = useState<number | null>(null)
  const index = pointed ?? windows.length - 1
  return (
    <>
      <Readout window={windows[index]} marks={marksOn(windows[index], marks)} />
      <WindowCharts
        monitor={monitor}
        windows={windows}
        marks={marks}
        index={index}
        onPoint={setPointed}
      />
      <MarkLegend />
      <div className="flex flex-col gap-1 text-[0.8125rem] text-ink-2">
        <p>{performanceSentence(windows, monitor.aucLimit)}</p>
        <p>{driftSentence(windows, monitor.driftLimit)}</p>
      </div>
      <WindowTable windows={windows} marks={marks} />
    </>
  )
}

/** Performance over drift, one cursor through both. Arrow keys do here what the pointer does. */
function WindowCharts({
  monitor: { aucLimit, driftLimit },
  windows,
  marks,
  index,
  onPoint,
}: {
  monitor: MonitorWire
  windows: readonly WindowWire[]
  marks: readonly MarkWire[]
  index: number
  onPoint: (index: number | null) => void
}) {
  const [keyed, setKeyed] = useState<number | null>(null)
  const performance = useMemo(() => performanceLook(aucLimit, marks), [aucLimit, marks])
  const drift = useMemo(() => driftLook(driftLimit), [driftLimit])
  const scores = useMemo(() => performanceData(windows), [windows])
  const shares = useMemo(() => driftData(windows, driftLimit), [windows, driftLimit])
  const point = (next: number) => {
    setKeyed(next)
    onPoint(next)
  }
  return (
    <div className="relative -m-1 flex flex-col gap-1 rounded-lg p-1 has-focus-visible:outline-2 has-focus-visible:outline-accent">
      <input
        type="range"
        className="sr-only"
        aria-label="Day shown in the charts of performance and drift"
        aria-valuetext={windowWords(windows[index])}
        min={0}
        max={Math.max(0, windows.length - 1)}
        value={Math.max(0, index)}
        onChange={(event) => point(Number(event.target.value))}
      />
      <ChartTitle ink="text-chart-auc" limit={aucLimit === null ? null : `alert below ${aucLimit}`}>
        AUC per day with its 95 % interval
      </ChartTitle>
      <TimeChart look={performance} data={scores} cursor={keyed} onCursor={onPoint} />
      <ChartTitle
        ink="text-chart-drift-over"
        limit={driftLimit === null ? null : `alert from ${percent(driftLimit)}`}
      >
        Share of features that drifted, per day
      </ChartTitle>
      <TimeChart look={drift} data={shares} cursor={keyed} onCursor={onPoint} />
    </div>
  )
}

function ChartTitle({
  ink,
  limit,
  children,
}: {
  ink: string
  limit: string | null
  children: string
}) {
  return (
    <p className="mt-2 flex flex-wrap items-center gap-x-4 text-xs text-ink-3">
      <span className="flex items-center gap-2">
        <span aria-hidden className={`h-0.5 w-3 rounded-full bg-current ${ink}`} />
        {children}
      </span>
      {limit === null ? null : (
        <span className="flex items-center gap-2">
          <span aria-hidden className="w-4 border-t border-dashed border-ink-3" />
          {limit}
        </span>
      )}
    </p>
  )
}

/** The numbers under the cursor, or those of the newest window. */
function Readout({
  window,
  marks,
}: {
  window: WindowWire | undefined
  marks: readonly MarkWire[]
}) {
  if (window === undefined) return null
  return (
    <div className="flex min-h-11 flex-col justify-start gap-0.5">
      <p className="flex flex-wrap items-baseline gap-x-4 gap-y-0.5 text-[0.8125rem] tabular-nums">
        <span className="font-semibold">{day(window.start)}</span>
        <span>
          <span className="text-ink-3">AUC</span>{' '}
          {window.auc === null ? 'not yet' : score(window.auc)}
          {window.low === null || window.high === null ? null : (
            <span className="text-ink-3">
              {' '}
              {score(window.low)} to {score(window.high)}
            </span>
          )}
        </span>
        <span>
          <span className="text-ink-3">Drift</span>{' '}
          {window.driftShare === null ? 'not yet' : percent(window.driftShare)}
        </span>
        {window.prediction === 'drifted' ? <span>predictions drifted too</span> : null}
        <span>
          <span className="text-ink-3">Predictions</span> {count(window.predictions)}
        </span>
        <span>
          <span className="text-ink-3">Truths</span> {count(window.labels)}
        </span>
      </p>
      <p className="truncate text-xs text-ink-3">
        {[window.unjudged, ...marks.map((mark) => mark.words)].filter(Boolean).join(' · ') ||
          'Point at a day, or use the arrow keys, to read it.'}
      </p>
    </div>
  )
}

function windowWords(window: WindowWire | undefined): string {
  if (window === undefined) return 'no window'
  const auc = window.auc === null ? 'AUC not known yet' : `AUC ${score(window.auc)}`
  const drift =
    window.driftShare === null ? 'drift not known yet' : `drift ${percent(window.driftShare)}`
  return `${day(window.start)}: ${auc}, ${drift}`
}

function MarkLegend() {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-3">
      {Object.entries(MARK_SHAPES).map(([kind, { shape, text, words }]) => (
        <li key={kind} className="flex items-center gap-1.5">
          <ShapeIcon shape={shape} className={text} />
          {words}
        </li>
      ))}
    </ul>
  )
}

function EndpointChoice({
  monitors,
  chosen,
}: {
  monitors: readonly MonitorWire[]
  chosen: string | undefined
}) {
  const { change } = useView()
  if (monitors.length < 2) return null
  return (
    <label className="flex items-center gap-2 text-xs text-ink-3">
      Endpoint
      <select
        value={chosen}
        className="h-7 rounded-md border border-line bg-surface px-2 text-ink"
        onChange={(event) => change({ endpoint: event.target.value })}
      >
        {monitors.map(({ endpoint }) => (
          <option key={endpoint}>{endpoint}</option>
        ))}
      </select>
    </label>
  )
}

function RangeChoice({ chosen }: { chosen: number | null }) {
  const { change } = useView()
  return (
    <fieldset className="flex rounded-lg border border-line p-0.5">
      <legend className="sr-only">Time shown</legend>
      {RANGES.map(({ days, words }) => (
        <label
          key={words}
          className="flex h-6 cursor-pointer items-center rounded-md px-2 text-xs text-ink-3 hover:text-ink has-checked:bg-sunken has-checked:font-medium has-checked:text-ink has-focus-visible:outline-2 has-focus-visible:outline-accent"
        >
          <input
            type="radio"
            name="range"
            className="sr-only"
            checked={chosen === days}
            onChange={() => change({ days: days ?? undefined })}
          />
          {words}
        </label>
      ))}
    </fieldset>
  )
}
