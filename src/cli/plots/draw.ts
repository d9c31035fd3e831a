import { plotShape, type PlotLine, type SeriesPlot } from '#stages'
import { printable } from '../tables/text.ts'
import { createCanvas } from './canvas.ts'
import { shortNumber, type Pen } from './figures.ts'
import { barLines, tallyLines } from './tallies.ts'

/** A plot as lines of text: what its template means, as far as a terminal can show it. */
export function drawnPlot(plot: SeriesPlot, pen: Pen): string[] {
  const { axes } = plot
  const title = printable(plot.title)
  if (axes === undefined) return [title, '  no points']
  const shape = plotShape(plot)
  if (shape.kind === 'bars') return [title, ...barLines(shape.bars, pen)]
  if (shape.kind !== 'tally') return [title, ...chartLines(plot, pen, shape)]
  const axesLine = `  rows: ${printable(axes.yLabel)}, columns: ${printable(axes.xLabel)}`
  return [title, axesLine, ...tallyLines(shape.tables, shape)]
}

const ROWS = 12
/** Wider, a line is no longer seen at a glance. */
const COLUMNS_MAX = 100
const LABEL = 10

type Spot = readonly [x: number, y: number]

function chartLines(
  plot: SeriesPlot,
  pen: Pen,
  { kind, lines }: { kind: 'points' | 'lines'; lines: readonly PlotLine[] },
): string[] {
  const all = lines.flatMap(({ spots }) => spots)
  if (all.length === 0) return ['  no numbers to draw; --html may show it']
  const columns = Math.max(10, Math.min(pen.columns, COLUMNS_MAX) - LABEL - 3)
  const [left, right] = extent(all.map(([x]) => x))
  const [low, high] = extent(all.map(([, y]) => y))
  const canvas = createCanvas(columns, ROWS)
  const placed = ([x, y]: Spot): Spot => [
    Math.round(share(x, left, right) * (canvas.width - 1)),
    Math.round(share(y, low, high) * (canvas.height - 1)),
  ]
  for (const [color, { spots }] of lines.entries())
    for (const [at, spot] of spots.entries()) {
      const before = spots[at - 1]
      if (kind === 'points' || before === undefined) canvas.dot(...placed(spot), color)
      else canvas.line(placed(before), placed(spot), color)
    }
  const rows = canvas.lines(pen.painted)
  const labels = new Map([
    [0, high],
    [ROWS >> 1, (low + high) / 2],
    [ROWS - 1, low],
  ])
  const label = (row: number) => {
    const value = labels.get(row)
    return (value === undefined ? '' : shortNumber(value)).padStart(LABEL)
  }
  const name = printable(plot.axes?.xLabel ?? '')
  const [from, to] = [shortNumber(left), shortNumber(right)]
  const middle = name.slice(0, Math.max(0, columns - from.length - to.length - 2))
  const gap = Math.max(1, columns - from.length - to.length - middle.length)
  return [
    `  ${printable(plot.axes?.yLabel ?? '')}`,
    ...rows.map((row, at) => `${label(at)} ┤${row}`),
    `${' '.repeat(LABEL)} └${'─'.repeat(columns)}`,
    `${' '.repeat(LABEL + 2)}${from}${' '.repeat(gap >> 1)}${middle}${' '.repeat(gap - (gap >> 1))}${to}`,
    ...legend(lines, pen),
  ]
}

/** Each line in words, for who cannot tell the colours apart. */
function legend(lines: readonly PlotLine[], { painted }: Pen): string[] {
  return lines.map(({ name, spots }, color) => {
    const ys = spots.map(([, y]) => y)
    const [low, high] = extent(ys, 0)
    const said =
      ys.length === 0
        ? 'no numbers'
        : `last ${shortNumber(ys.at(-1) ?? 0)}, lowest ${shortNumber(low)}, highest ${shortNumber(high)}`
    return `  ${painted('■', color)} ${printable(name)}: ${said}`
  })
}

/** Wide enough to divide by, unless `room` is nothing. */
function extent(values: readonly number[], room = 1): [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return low === high ? [low - room / 2, high + room / 2] : [low, high]
}

function share(value: number, low: number, high: number): number {
  return (value - low) / (high - low)
}
