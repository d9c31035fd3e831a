import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type uPlot from 'uplot'
import type { ComparisonWire, HeatRow, WindowSummary } from '#protocols/api/monitoring-wire'
import { comparisonQuery } from '#web/api/monitoring.ts'
import type { ChartLook } from '#web/charts/chart-options.ts'
import { TimeChart } from '#web/charts/time-chart.tsx'
import { count, day } from '#web/ui/format.ts'
import { Trouble } from '#web/ui/page.tsx'
import { BinBars, binsOf, BinTable } from './monitoring-bins.tsx'
import { cellWords } from './monitoring-timeline.tsx'
import { ANSWERS, digits, windowName } from './monitoring-words.ts'

/** One column: how its values lie in the window and in what it is compared with, and how far apart they were over time. */
export function FeatureDetail({
  endpoint,
  feature,
  row,
  windows,
  at,
}: {
  endpoint: string
  feature: string | null
  row: HeatRow | undefined
  windows: readonly WindowSummary[]
  at: number
}) {
  const window = windows[at]
  const cell = row?.cells[at] ?? null
  const { data, error } = useQuery({
    ...comparisonQuery(endpoint, window?.start ?? '', feature),
    enabled: window !== undefined,
  })
  return (
    <div className="flex flex-col gap-4">
      <p className="text-sm text-ink-2">
        {window === undefined ? '' : `${windowName(window)}: `}
        {cell === null || row === undefined
          ? 'not compared in this window'
          : `${cell.drifted ? 'drifted' : 'steady'}; ${cellWords(cell, row.measure)}`}
        {data?.noiseFloor == null ? '' : `; chance alone makes ${digits(data.noiseFloor)}`}.
      </p>
      <Trouble error={error} />
      {data === undefined ? null : <Comparison comparison={data} />}
      {row === undefined ? null : <Distance row={row} windows={windows} at={at} />}
    </div>
  )
}

function Comparison({ comparison }: { comparison: ComparisonWire }) {
  const { reference, counts } = comparison
  const { rows, from, to, column } = reference
  const bins = useMemo(() => binsOf(comparison), [comparison])
  return (
    <div className="flex flex-col gap-2">
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-3">
        <span>
          <span aria-hidden className="mr-1.5 inline-block size-2.5 rounded-sm bg-chart-drift" />
          what it is compared with: {count(rows)} rows
          {from === null || to === null ? '' : `, ${day(from)} to ${day(to)}`}
        </span>
        <span>
          <span aria-hidden className="mr-1.5 inline-block size-2.5 rounded-sm bg-chart-auc" />
          this window
        </span>
      </p>
      {counts === null ? (
        <p className="text-sm text-ink-2">
          No prediction of this window has it, or the rows are no longer kept.
        </p>
      ) : (
        <>
          <BinBars bins={bins} />
          {column.kind === 'numeric' ? (
            <p className="text-xs text-ink-3">
              Each bin holds about a twentieth of what it is compared with; mean{' '}
              {digits(column.mean)}, from {digits(column.min)} to {digits(column.max)} there.
            </p>
          ) : null}
          <BinTable bins={bins} />
        </>
      )}
    </div>
  )
}

/** The distance in each window, and from where on it counts as drift. */
function Distance({
  row,
  windows,
  at,
}: {
  row: HeatRow
  windows: readonly WindowSummary[]
  at: number
}) {
  const data = useMemo<uPlot.AlignedData>(
    () => [
      windows.map(({ start }) => Date.parse(start) / 1000),
      row.cells.map((cell) => cell?.effect ?? null),
      row.cells.map((cell) => cell?.threshold ?? null),
    ],
    [row, windows],
  )
  return (
    <div className="flex flex-col gap-1">
      <p className="flex flex-wrap items-center gap-x-4 text-xs text-ink-3">
        <span className="flex items-center gap-2">
          <span aria-hidden className="h-0.5 w-3 rounded-full bg-chart-auc" />
          distance ({row.measure}) of {row.feature ?? ANSWERS} over time
        </span>
        <span className="flex items-center gap-2">
          <span aria-hidden className="w-4 border-t-2 border-dashed border-chart-drift-over" />
          counts as drift from here on
        </span>
      </p>
      <TimeChart look={DISTANCE} data={data} cursor={at} onCursor={ignore} />
    </div>
  )
}

function ignore(): void {
  // The chosen window stays under the cursor.
}

const DISTANCE: ChartLook = {
  height: 150,
  series: [
    { name: 'distance', kind: 'line', ink: 'chart-auc' },
    { name: 'threshold', kind: 'line', ink: 'chart-drift-over', dash: [5, 4] },
  ],
  limit: null,
  range: (_, max) => [0, (max || 0.1) * 1.1],
  print: digits,
  steps: [1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000, 1e4, 1e5, 1e6],
  sync: 'monitoring',
  lanes: [],
  showTimes: true,
}
