import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import { usePaintedTheme } from '#web/ui/theme.tsx'
import { aligned, smoothed } from './smoothing.ts'

export interface Line {
  readonly name: string
  /** A colour of the style sheet, without its dashes. */
  readonly ink: string
  /** Tells lines of one colour apart: lengths of ink and of nothing. */
  readonly dash?: readonly number[] | undefined
  readonly x: readonly number[]
  readonly y: readonly (number | null)[]
}

interface Chart {
  readonly title: string
  readonly lines: readonly Line[]
  readonly smoothing: number
  readonly scale: 'linear' | 'log'
  /** `time` takes seconds since 1970. */
  readonly axis: 'number' | 'time'
  readonly sync: string
}

const HEIGHT_PX = 220
const FONT = '11px "Inter Variable", system-ui, sans-serif'

/** Lines over steps or time; charts of the same `sync` share their cursor and what is zoomed into. */
export function LineChart(chart: Chart) {
  // A canvas does not change its colours by itself: another theme is another drawing.
  return <Drawing key={usePaintedTheme()} {...chart} />
}

function Drawing({ title, lines, smoothing, scale, axis, sync }: Chart) {
  const holder = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = holder.current
    if (element === null) return undefined
    const style = getComputedStyle(element)
    const ink = (name: string) => style.getPropertyValue(`--${name}`).trim()
    const { data, series } = drawn(lines, { smoothing, ink })
    const grid = { stroke: ink('chart-grid'), width: 1 }
    const chart = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { sync: { key: sync }, drag: { x: true, y: false } },
        scales: { x: { time: axis === 'time' }, y: { distr: scale === 'log' ? 3 : 1 } },
        axes: [
          { stroke: ink('ink-3'), grid, font: FONT },
          { stroke: ink('ink-3'), grid, font: FONT, size: 56 },
        ],
        series: [{}, ...series],
      },
      data,
      element,
    )
    const sizes = new ResizeObserver(() =>
      chart.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT_PX }),
    )
    sizes.observe(element)
    return () => {
      sizes.disconnect()
      chart.destroy()
    }
  }, [lines, smoothing, scale, axis, sync])
  // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- a canvas is drawn into it
  return <div ref={holder} role="img" aria-label={title} className="chart" />
}

/** Each line, and where it is smoothed what it was, faintly behind it. */
function drawn(
  lines: readonly Line[],
  { smoothing, ink }: { smoothing: number; ink: (name: string) => string },
): { data: uPlot.AlignedData; series: uPlot.Series[] } {
  const { x, y } = aligned(lines)
  const smooth = smoothing > 0 ? smoothedLines(lines, smoothing) : y
  const data: (number | null | undefined)[][] = []
  const series: uPlot.Series[] = []
  lines.forEach((line, at) => {
    const raw = y[at] ?? []
    const stroke = ink(line.ink)
    if (smoothing > 0) {
      data.push(raw)
      series.push({ stroke, alpha: 0.2, width: 1, points: { show: false }, spanGaps: false })
    }
    data.push(smooth[at] ?? raw)
    series.push({
      label: line.name,
      stroke,
      width: 1.5,
      ...(line.dash === undefined ? {} : { dash: [...line.dash] }),
      points: { show: line.x.length === 1 },
    })
  })
  return { data: [x, ...data] as uPlot.AlignedData, series }
}

function smoothedLines(lines: readonly Line[], weight: number): (number | null | undefined)[][] {
  return aligned(lines.map((line) => ({ x: line.x, y: smoothed(line.y, weight) }))).y
}
