import uPlot from 'uplot'
import { lonePlaces } from './lone-places.ts'
import { drawMarks, LANE_PX, type Lane } from './marks.ts'

/** A line of the chart; its values are the list of the same place in the data. */
export interface ChartSeries {
  readonly name: string
  readonly kind: 'line' | 'bars' | 'edge'
  /** A colour of the style sheet, without its dashes: `chart-auc`. */
  readonly ink: string
  /** Tells lines apart without their colour: lengths of ink and of nothing. */
  readonly dash?: readonly number[]
}

/** How a chart looks, apart from its data and the theme. Keep it the same object while nothing changes. */
export interface ChartLook {
  readonly height: number
  readonly series: readonly ChartSeries[]
  /** Pairs of series, by place, between which the chart is tinted. */
  readonly bands?: readonly {
    readonly upper: number
    readonly lower: number
    readonly ink: string
  }[]
  readonly limit: number | null
  readonly range: (min: number, max: number) => [number, number]
  readonly print: (value: number) => string
  /** Distances that two lines of the grid may have. */
  readonly steps: readonly number[]
  readonly sync: string
  readonly lanes: readonly Lane[]
  readonly showTimes: boolean
}

const FONT = '11px "Inter Variable", system-ui, sans-serif'
const AXIS_PX = 52

export function chartOptions(
  look: ChartLook,
  world: {
    width: number
    ink: (name: string) => string
    onCursor: (index: number | null) => void
  },
): uPlot.Options {
  const { width, ink, onCursor } = world
  return {
    width,
    height: look.height,
    padding: [look.lanes.length * LANE_PX + 8, 8, look.showTimes ? 0 : 4, 0],
    legend: { show: false },
    cursor: {
      sync: { key: look.sync },
      drag: { x: false, y: false },
      y: false,
      points: { show: false },
    },
    // Days of event time are days in UTC wherever the reader is.
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
    scales: {
      x: { range: (chart, min, max) => withRoom(chart, min, max) },
      y: { range: (_, min, max) => look.range(min ?? 0, max ?? 1) },
    },
    axes: [timeAxis(look, ink), valueAxis(look, ink)],
    series: [{}, ...look.series.map((series) => seriesOptions(series, ink))],
    bands: (look.bands ?? []).map((band) => ({
      series: [band.upper, band.lower],
      fill: ink(band.ink),
    })),
    hooks: {
      setCursor: [(chart) => onCursor(chart.cursor.idx ?? null)],
      draw: [
        (chart) => {
          drawLimit(chart, look, ink)
          drawMarks(chart, look.lanes, { ink, font: FONT })
        },
      ],
    },
  }
}

/** Half a step of room on either side, so that the first and the last bar are whole. */
function withRoom(chart: uPlot, min: number, max: number): [number, number] {
  const [times] = chart.data
  const step = times.length < 2 ? 86_400 : (times[1] ?? 0) - (times[0] ?? 0)
  return [min - step / 2, max + step / 2]
}

function timeAxis(look: ChartLook, ink: (name: string) => string): uPlot.Axis {
  return {
    show: true,
    stroke: ink('ink-3'),
    font: FONT,
    size: look.showTimes ? 28 : 0,
    gap: 4,
    grid: { show: false },
    ticks: { show: false },
    values: look.showTimes
      ? (_, ticks) => ticks.map((tick) => tickWords(tick, (ticks[1] ?? 0) - (ticks[0] ?? 0)))
      : () => [],
    space: 72,
  }
}

const MONTH = new Intl.DateTimeFormat('en-GB', { month: 'short', timeZone: 'UTC' })
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
const HOUR = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
})

const SECOND = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: 'UTC' })

function tickWords(seconds: number, stepSeconds: number): string {
  const date = new Date(seconds * 1000)
  if (stepSeconds < 60) return SECOND.format(date)
  if (stepSeconds < 86_400) return HOUR.format(date)
  if (stepSeconds < 28 * 86_400) return DAY.format(date)
  return date.getUTCMonth() === 0 ? String(date.getUTCFullYear()) : MONTH.format(date)
}

function valueAxis(look: ChartLook, ink: (name: string) => string): uPlot.Axis {
  return {
    stroke: ink('ink-3'),
    font: FONT,
    size: AXIS_PX,
    gap: 6,
    grid: { stroke: ink('chart-grid'), width: 1 },
    ticks: { show: false },
    values: (_, ticks) => ticks.map((tick) => look.print(tick)),
    incrs: [...look.steps],
    space: 28,
  }
}

function seriesOptions(series: ChartSeries, ink: (name: string) => string): uPlot.Series {
  const colour = ink(series.ink)
  const plain = { label: series.name, points: { show: false } }
  if (series.kind === 'line') {
    const { dash } = series
    const points = { show: false, size: DOT_PX, width: 0, fill: colour, filter: dots }
    const stroke = { ...plain, points, stroke: colour, width: 1.75 }
    return dash === undefined ? stroke : { ...stroke, dash: [...dash] }
  }
  if (series.kind === 'edge') return { ...plain, stroke: 'transparent', width: 0 }
  const paths = uPlot.paths.bars?.({ size: [0.72, 14], radius: 0.2 })
  return { ...plain, fill: colour, width: 0, ...(paths === undefined ? {} : { paths }) }
}

const DOT_PX = 5

function dots(chart: uPlot, series: number): number[] {
  return lonePlaces(chart.data[series] ?? [])
}

function drawLimit(chart: uPlot, look: ChartLook, ink: (name: string) => string): void {
  if (look.limit === null) return
  const { ctx, bbox } = chart
  const y = Math.round(chart.valToPos(look.limit, 'y', true))
  if (y < bbox.top || y > bbox.top + bbox.height) return
  ctx.save()
  ctx.strokeStyle = ink('ink-3')
  ctx.lineWidth = uPlot.pxRatio
  ctx.setLineDash([4 * uPlot.pxRatio, 4 * uPlot.pxRatio])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.restore()
}
