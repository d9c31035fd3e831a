import { Problem } from '#base/problem'
import {
  cellText,
  plainParam,
  type PlainValue,
  type PlotAxes,
  type Point,
  type SeriesPlot,
} from '#stages'
import type { PlotTemplate } from './plot-templates.ts'
import { compareCodePoints } from './python.ts'

/** A Vega-Lite spec; what was left out of it by name, for who draws it later. */
export interface FilledSpec {
  readonly content: PlainValue
  readonly left: Readonly<Record<string, PlainValue>>
}

/** Fills a plot's points and names into a template; `split` leaves out what an editor fills in by itself. */
export function filledSpec(
  plot: SeriesPlot,
  template: PlotTemplate,
  { split }: { split: boolean } = { split: false },
): FilledSpec {
  const { axes } = plot
  if (axes === undefined || plot.points.length === 0) return { content: {}, left: {} }
  const used = anchorsIn(template)
  const varied = variedIn(axes)
  const values = new Map<string, PlainValue>()
  if (OPTIONAL.some((name) => used.has(name)))
    for (const [name, value] of optionalValues(plot, axes, varied)) values.set(name, value)
  const points = OPTIONAL.some((name) => used.has(name))
    ? plot.points.map((point) => trimmed(point, varied))
    : plot.points
  checkColumns(plot, axes)
  if (!split && !used.has('data'))
    throw new Problem(
      'invalid',
      `the template ${plot.template ?? ''} of ${plot.id} has no <DVC_METRIC_DATA>, so there is no place for its points; put it where the data goes`,
    )
  values
    .set('title', plot.title)
    .set('x', escaped(axes.x))
    .set('y', escaped(axes.y))
    .set('x_label', axes.xLabel)
    .set('y_label', axes.yLabel)
    .set('data', points.map(jsonPoint))
  const left: Record<string, PlainValue> = {}
  if (split)
    for (const [name, value] of values)
      if (SPLIT.has(name) && !isNothing(value) && (!OPTIONAL.includes(name) || used.has(name))) {
        left[anchor(name)] = value
        values.delete(name)
      }
  return { content: filled(template as PlainValue, values), left }
}

const OPTIONAL: readonly string[] = [
  'color',
  'column',
  'group_by_x',
  'group_by_y',
  'group_by',
  'pivot_field',
  'plot_height',
  'plot_width',
  'row',
  'shape',
  'stroke_dash',
  'tooltip',
  'zoom_and_pan',
]

const SPLIT: ReadonlySet<string> = new Set([
  'color',
  'data',
  'plot_height',
  'plot_width',
  'shape',
  'stroke_dash',
  'title',
  'tooltip',
  'x_label',
  'y_label',
  'zoom_and_pan',
])

/** The colours of dvc, in its order: whoever compares sees the same revision in the same colour. */
export const REVISION_COLORS = [
  '#945dd6',
  '#13adc7',
  '#f46837',
  '#48bb78',
  '#4299e1',
  '#ed8936',
  '#f56565',
] as const
const DASHES = [
  [1, 0],
  [8, 8],
  [8, 4],
  [4, 4],
  [4, 2],
  [2, 1],
  [1, 1],
]
const SHAPES = ['circle', 'square', 'triangle', 'diamond']

/** What tells the lines of a revision apart; nothing where there is one. */
type Varied = readonly ('filename' | 'field')[]

function variedIn({ lines }: PlotAxes): Varied {
  return (['filename', 'field'] as const).filter(
    (key) => new Set(lines.map((line) => line[key])).size > 1,
  )
}

function optionalValues(plot: SeriesPlot, axes: PlotAxes, varied: Varied): Map<string, PlainValue> {
  const key = varied.join('::')
  const several = varied.length > 0
  const groups = several ? ['rev', key] : ['rev']
  const domain = [
    ...new Set(axes.lines.map((line) => varied.map((each) => line[each]).join('::'))),
  ].toSorted(compareCodePoints)
  const scale = (range: readonly PlainValue[]): PlainValue =>
    several
      ? {
          ...scaled(key, domain, range),
          legend: { symbolFillColor: 'transparent', symbolStrokeColor: 'grey' },
        }
      : {}
  const facet: PlainValue = several ? { field: key, sort: [] } : {}
  return new Map<string, PlainValue>([
    ['color', scaled('rev', plot.revisions, REVISION_COLORS)],
    ['zoom_and_pan', { name: 'grid', select: 'interval', bind: 'scales' }],
    ['plot_height', 300],
    ['plot_width', 300],
    ['group_by', groups],
    ['group_by_x', [...groups, axes.x]],
    ['group_by_y', [...groups, axes.y]],
    ['pivot_field', ['rev', ...varied].map((each) => `datum.${each}`).join(" + '::' + ")],
    ['tooltip', ['rev', axes.x, axes.y, ...(several ? [key] : [])].map((field) => ({ field }))],
    ['stroke_dash', scale(DASHES)],
    ['shape', scale(SHAPES)],
    ['row', facet],
    ['column', facet],
  ])
}

function scaled(field: string, domain: readonly string[], range: readonly PlainValue[]) {
  return {
    field,
    scale: { domain, range: domain.map((_, at) => range[at % range.length] ?? null) },
  }
}

/** Only what tells lines apart stays with a point. */
function trimmed(point: Point, varied: Varied): Point {
  const kept = new Map(point)
  for (const key of ['filename', 'field'] as const)
    if (varied.length !== 1 || varied[0] !== key) kept.delete(key)
  if (varied.length === 2)
    kept.set(varied.join('::'), varied.map((key) => cellText(point, key)).join('::'))
  return kept
}

function checkColumns({ id, points }: SeriesPlot, axes: PlotAxes): void {
  for (const column of [axes.x, axes.y])
    if (!points.some((point) => point.has(column)))
      throw new Problem('invalid', `no point of ${id} has the column ${JSON.stringify(column)}`)
}

function jsonPoint(point: Point): PlainValue {
  return Object.fromEntries(
    [...point].map(([name, value]) => [
      name,
      typeof value === 'number' && !Number.isFinite(value) ? null : plainParam(value),
    ]),
  )
}

/** A name of a column is a path in Vega-Lite. */
function escaped(column: string): string {
  return column.replaceAll(/[.[\]]/g, '\\$&')
}

function anchor(name: string): string {
  return `<DVC_METRIC_${name.toUpperCase()}>`
}

function isNothing(value: PlainValue): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

const ANCHOR = /<DVC_METRIC_([A-Z_]+)>/g

function anchorsIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value === 'string') {
    for (const [whole, name = ''] of value.matchAll(ANCHOR))
      if (whole === value) found.add(name.toLowerCase())
  } else if (typeof value === 'object' && value !== null)
    for (const each of Object.values(value)) anchorsIn(each, found)
  return found
}

/** In one pass, so that an anchor in what is filled in stays text. */
function filled(value: PlainValue, values: ReadonlyMap<string, PlainValue>): PlainValue {
  if (typeof value === 'string') return filledText(value, values)
  if (Array.isArray(value)) return value.map((each: PlainValue) => filled(each, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each, values)]))
}

function filledText(text: string, values: ReadonlyMap<string, PlainValue>): PlainValue {
  const whole = /^<DVC_METRIC_([A-Z_]+)>$/.exec(text)?.[1]
  if (whole !== undefined) return values.get(whole.toLowerCase()) ?? text
  return text.replaceAll(ANCHOR, (written, name: string) => {
    const value = values.get(name.toLowerCase())
    return typeof value === 'string' ? value : written
  })
}
