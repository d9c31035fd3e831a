import { useQuery } from '@tanstack/react-query'
import { ChartLine } from 'lucide-react'
import { useMemo } from 'react'
import { fileAddress, filesQuery, plotsQuery } from '#web/api/artifacts.ts'
import { LineChart } from '#web/charts/line-chart.tsx'
import { Card } from '#web/ui/card.tsx'
import { runPlotsIn, type Bar, type PlotLine, type RunPlot, type Tally } from './plots-file.ts'
import { useRunView } from './use-view.ts'

const INKS = 8
const DASHES = [undefined, [8, 6], [2, 3]] as const
const NUMBER = new Intl.NumberFormat('en', { maximumSignificantDigits: 5, useGrouping: false })

/** The plots of a pipeline's stage, as it drew them; nothing for a run that has none. */
export function Plots() {
  const { runId } = useRunView()
  const files = useQuery(filesQuery({ run: runId }, ''))
  const isThere = files.data?.some(({ path, is_dir }) => is_dir && path === 'plots') === true
  const text = useQuery({ ...plotsQuery(runId), enabled: isThere })
  const plots = useMemo(() => runPlotsIn(text.data ?? ''), [text.data])
  if (plots.length === 0) return null
  return (
    <Card id="plots" title="Plots" Icon={ChartLine}>
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
        {plots.map((plot) => (
          <Plot key={`${plot.kind} ${plot.id}`} runId={runId} plot={plot} />
        ))}
      </div>
    </Card>
  )
}

function Plot({ runId, plot }: { runId: string; plot: RunPlot }) {
  const title = plot.kind === 'picture' ? plot.id : plot.title
  return (
    <figure className="flex min-w-0 flex-col gap-2 rounded-lg border border-line p-3">
      <figcaption className="text-[0.8125rem] font-medium wrap-anywhere">{title}</figcaption>
      {plot.kind === 'picture' ? (
        <img
          src={fileAddress({ run: runId }, plot.path)}
          alt={plot.id}
          className="max-h-80 max-w-full self-start rounded-lg border border-line bg-white object-contain"
        />
      ) : plot.kind === 'tally' ? (
        plot.tables.map((table, at) => (
          // Tables of one plot have no other name than their place.
          // oxlint-disable-next-line react/no-array-index-key
          <Counts key={at} table={table} xLabel={plot.xLabel} yLabel={plot.yLabel} />
        ))
      ) : plot.kind === 'bars' ? (
        <Lengths bars={plot.bars} xLabel={plot.xLabel} />
      ) : (
        <Curves runId={runId} plot={plot} />
      )}
    </figure>
  )
}

type Drawn = Extract<RunPlot, { kind: 'lines' | 'points' }>

function Curves({ runId, plot }: { runId: string; plot: Drawn }) {
  const lines = useMemo(
    () =>
      plot.lines.map(({ name, x, y }, at) => ({
        name: name || plot.yLabel,
        ink: inkOf(at),
        dash: DASHES[Math.floor(at / INKS) % DASHES.length],
        x,
        y,
      })),
    [plot],
  )
  return (
    <>
      {plot.kind === 'points' ? (
        <Dots plot={plot} />
      ) : (
        <LineChart
          title={`${plot.yLabel} over ${plot.xLabel}`}
          lines={lines}
          smoothing={0}
          scale="linear"
          axis="number"
          sync={`plots-${runId}-${plot.xLabel}`}
        />
      )}
      <ul className="flex flex-col gap-0.5 text-xs text-ink-2">
        {plot.lines.map((line, at) => (
          <li key={line.name} className="flex items-center gap-2">
            <span
              aria-hidden
              className="h-0.5 w-4 shrink-0"
              style={{ background: `var(--${inkOf(at)})` }}
            />
            <span className="wrap-anywhere">{saidOf(line, plot)}</span>
          </li>
        ))}
      </ul>
    </>
  )
}

function inkOf(at: number): string {
  return `line-${(at % INKS) + 1}`
}

/** The line in words, for who does not see it. */
function saidOf({ name, x, y }: PlotLine, { xLabel, yLabel }: Drawn): string {
  const last = y.at(-1)
  if (last === undefined) return `${name || yLabel}: no points`
  const bounds = `${NUMBER.format(least(y))} to ${NUMBER.format(most(y))}`
  return `${name || yLabel}: ${NUMBER.format(last)} at ${xLabel} ${NUMBER.format(x.at(-1) ?? 0)}, from ${bounds}`
}

const WIDTH = 400
const HEIGHT = 200

/** Points that no line leads through. */
function Dots({ plot }: { plot: Drawn }) {
  const xs = plot.lines.flatMap(({ x }) => x)
  const ys = plot.lines.flatMap(({ y }) => y)
  const place = (value: number, all: readonly number[], length: number) =>
    4 + ((value - least(all)) / (most(all) - least(all) || 1)) * (length - 8)
  return (
    <>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- it is drawn here
        role="img"
        aria-label={`${plot.yLabel} over ${plot.xLabel}`}
        className="w-full border-b border-l border-line"
      >
        {plot.lines.map((line, at) => (
          <path
            key={line.name}
            d={line.x
              .map(
                (x, each) =>
                  `M${place(x, xs, WIDTH)} ${HEIGHT - place(line.y[each] ?? 0, ys, HEIGHT)}h0`,
              )
              .join('')}
            stroke={`var(--${inkOf(at)})`}
            strokeWidth={4}
            strokeLinecap="round"
          />
        ))}
      </svg>
      <p className="text-xs text-ink-3">
        {plot.xLabel} {NUMBER.format(least(xs))} to {NUMBER.format(most(xs))}, {plot.yLabel}{' '}
        {NUMBER.format(least(ys))} to {NUMBER.format(most(ys))}
      </p>
    </>
  )
}

function Counts({ table, xLabel, yLabel }: { table: Tally; xLabel: string; yLabel: string }) {
  const full = most(table.counts.flat()) || 1
  return (
    <div className="overflow-x-auto">
      <table className="border-collapse text-xs tabular-nums">
        <caption className="pb-1 text-left text-ink-3">
          rows: {yLabel}, columns: {xLabel}
        </caption>
        <thead>
          <tr>
            <th scope="col">
              <span className="sr-only">{yLabel}</span>
            </th>
            {table.columns.map((column) => (
              <th key={column} scope="col" className="px-2 py-1 font-medium">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, at) => (
            <tr key={row}>
              <th scope="row" className="px-2 py-1 text-right font-medium">
                {row}
              </th>
              {table.columns.map((column, place) => {
                const count = table.counts[at]?.[place] ?? 0
                const share = Math.round((count / full) * 35)
                return (
                  <td
                    key={column}
                    className="border border-line px-2 py-1 text-right text-ink"
                    style={{
                      background: `color-mix(in srgb, var(--line-1) ${share}%, transparent)`,
                    }}
                  >
                    {count}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Lengths({ bars, xLabel }: { bars: readonly Bar[]; xLabel: string }) {
  const full = most(bars.map(({ value }) => Math.abs(value))) || 1
  return (
    <ul aria-label={xLabel} className="flex flex-col gap-1 text-xs">
      {bars.map(({ name, value }) => (
        <li
          key={name}
          className="grid grid-cols-[minmax(0,10rem)_minmax(0,1fr)_auto] items-center gap-2"
        >
          <span className="truncate">{name}</span>
          <span
            aria-hidden
            className="h-2.5 rounded-sm"
            style={{ width: `${(Math.abs(value) / full) * 100}%`, background: 'var(--line-1)' }}
          />
          <span className="font-mono tabular-nums">{NUMBER.format(value)}</span>
        </li>
      ))}
    </ul>
  )
}

function least(values: readonly number[]): number {
  return values.reduce((one, other) => Math.min(one, other), values[0] ?? 0)
}

function most(values: readonly number[]): number {
  return values.reduce((one, other) => Math.max(one, other), values[0] ?? 0)
}
