import { cellText, type Point, type SeriesPlot } from '#stages'
import { printable } from '../tables/text.ts'
import { lineOf, numberIn, shortNumber, type Pen } from './figures.ts'

/** More classes than this are no table in a terminal. */
const CLASSES_MAX = 24
const BARS_MAX = 60

/** How often which class was taken for which, a table for each revision. */
export function confusionLines(plot: SeriesPlot, template: string): string[] {
  const { x = '', y = '', xLabel = '', yLabel = '' } = plot.axes ?? {}
  const shares = template === 'confusion_normalized'
  const lines = [`  rows: ${printable(yLabel)}, columns: ${printable(xLabel)}`]
  for (const [name, points] of groupsOf(plot)) {
    const columns = classesOf(points, x)
    const rows = classesOf(points, y)
    if (Math.max(columns.length, rows.length) > CLASSES_MAX) {
      lines.push(
        `  ${printable(name)}: ${Math.max(columns.length, rows.length)} classes; --html shows them`,
      )
      continue
    }
    const counts = new Map<string, number>()
    for (const point of points) {
      const key = JSON.stringify([cellText(point, y), cellText(point, x)])
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    const table = rows.map((row) => {
      const found = columns.map((column) => counts.get(JSON.stringify([row, column])) ?? 0)
      const sum = found.reduce((all, one) => all + one, 0) || 1
      const cells = found.map((one) => (shares ? (one / sum).toFixed(2) : String(one)))
      return [printable(row)].concat(cells)
    })
    lines.push(`  ${printable(name)}`, ...aligned([['', ...columns.map(printable)], ...table]))
  }
  return lines
}

/** A bar for each name and revision. */
export function barLines(plot: SeriesPlot, template: string, { columns, painted }: Pen): string[] {
  const { x = '', y = '' } = plot.axes ?? {}
  const names = [...groupsOf(plot).keys()]
  const bars = plot.points.flatMap((point) => {
    const value = numberIn(point.get(x))
    const line = lineOf(plot, point)
    return value === undefined ? [] : [{ name: cellText(point, y), line, value }]
  })
  if (template === 'bar_horizontal_sorted') bars.sort((one, other) => other.value - one.value)
  const shown = bars.slice(0, BARS_MAX)
  const most = Math.max(...shown.map(({ value }) => Math.abs(value)), Number.MIN_VALUE)
  const wide = Math.min(24, Math.max(...shown.map(({ name }) => name.length), 1))
  const room = Math.max(4, columns - wide - 16)
  return [
    ...shown.map(({ name, line, value }) => {
      const bar = '█'.repeat(Math.max(1, Math.round((Math.abs(value) / most) * room)))
      const label = printable(name).slice(0, wide).padEnd(wide)
      return `  ${label} ${painted(bar, names.indexOf(line))} ${shortNumber(value)}`
    }),
    ...(bars.length > shown.length ? [`  … ${bars.length - shown.length} more in --html`] : []),
    ...names.map((name, at) => `  ${painted('■', at)} ${printable(name)}`),
  ]
}

function groupsOf(plot: SeriesPlot): Map<string, Point[]> {
  const groups = new Map<string, Point[]>()
  for (const point of plot.points) {
    const name = lineOf(plot, point)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [point])
    else group.push(point)
  }
  return groups
}

function classesOf(points: readonly Point[], column: string): string[] {
  const found = new Set(points.map((point) => cellText(point, column)))
  return [...found].toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
}

function aligned(table: readonly (readonly string[])[]): string[] {
  const widths = (table[0] ?? []).map((_, at) =>
    Math.max(...table.map((row) => row[at]?.length ?? 0)),
  )
  return table.map(
    (row) => `    ${row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  ')}`,
  )
}
