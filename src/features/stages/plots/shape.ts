import { cellText, type Point } from './points.ts'
import type { ParamValue } from '../param.ts'
import type { SeriesPlot } from './plots.ts'

/** What a plot shows, as its template means it, in numbers and words: for who draws without Vega. */
export type PlotShape =
  | { readonly kind: 'lines' | 'points'; readonly lines: readonly PlotLine[] }
  | { readonly kind: 'tally'; readonly shares: boolean; readonly tables: readonly Tally[] }
  | { readonly kind: 'bars'; readonly bars: readonly Bar[] }

export interface PlotLine {
  /** Its revision, and what tells the revision's lines apart. */
  readonly name: string
  /** In the order of x. */
  readonly spots: readonly (readonly [x: number, y: number])[]
}

/** How often which class was taken for which. */
export interface Tally {
  readonly name: string
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  readonly counts: readonly (readonly number[])[]
}

export interface Bar {
  readonly name: string
  readonly line: string
  readonly value: number
}

/** A template of the project's own may mean anything: it is taken for lines. */
export function plotShape(plot: SeriesPlot): PlotShape {
  const { template = 'linear' } = plot
  if (template === 'confusion' || template === 'confusion_normalized')
    return { kind: 'tally', shares: template !== 'confusion', tables: tallies(plot) }
  if (template.startsWith('bar_horizontal')) return { kind: 'bars', bars: bars(plot, template) }
  return { kind: template.startsWith('scatter') ? 'points' : 'lines', lines: lines(plot) }
}

/** A number that a column holds, as text or as such. */
function numberIn(value: ParamValue | undefined): number | undefined {
  if (typeof value === 'string' && value.trim() === '') return undefined
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint')
    return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

function lines(plot: SeriesPlot): PlotLine[] {
  const { x = '', y = '' } = plot.axes ?? {}
  return [...groupsOf(plot)].map(([name, points]) => ({
    name,
    spots: points
      .flatMap((point, at): [number, number][] => {
        const height = numberIn(point.get(y))
        return height === undefined ? [] : [[numberIn(point.get(x)) ?? at, height]]
      })
      .toSorted(([one], [other]) => one - other),
  }))
}

function tallies(plot: SeriesPlot): Tally[] {
  const { x = '', y = '' } = plot.axes ?? {}
  return [...groupsOf(plot)].map(([name, points]) => {
    const columns = classesOf(points, x)
    const rows = classesOf(points, y)
    const counts = new Map<string, number>()
    for (const point of points) {
      const key = JSON.stringify([cellText(point, y), cellText(point, x)])
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    const count = (row: string, column: string) => counts.get(JSON.stringify([row, column])) ?? 0
    return {
      name,
      rows,
      columns,
      counts: rows.map((row) => columns.map((each) => count(row, each))),
    }
  })
}

function bars(plot: SeriesPlot, template: string): Bar[] {
  const { x = '', y = '' } = plot.axes ?? {}
  const found = plot.points.flatMap((point) => {
    const value = numberIn(point.get(x))
    return value === undefined
      ? []
      : [{ name: cellText(point, y), line: lineOf(plot, point), value }]
  })
  return template === 'bar_horizontal_sorted'
    ? found.toSorted((one, other) => other.value - one.value)
    : found
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

function lineOf({ axes }: SeriesPlot, point: Point): string {
  const varied = (['filename', 'field'] as const).filter(
    (key) => new Set(axes?.lines.map((line) => line[key])).size > 1,
  )
  return ['rev', ...varied].map((key) => cellText(point, key)).join(' ')
}

function classesOf(points: readonly Point[], column: string): string[] {
  const found = new Set(points.map((point) => cellText(point, column)))
  return [...found].toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
}
