import { cellText, type ParamValue, type Point, type SeriesPlot } from '#stages'

/** How a drawing fits its terminal. */
export interface Pen {
  readonly columns: number
  /** The sign, or the word, in the colour of the revision or line at that place of the legend. */
  readonly painted: (text: string, color: number) => string
}

/** A number that a column holds, as text or as such. */
export function numberIn(value: ParamValue | undefined): number | undefined {
  if (typeof value === 'string' && value.trim() === '') return undefined
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint')
    return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

/** A number in at most seven signs or so. */
export function shortNumber(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2)
  return String(Number(value.toPrecision(5)))
}

/** The name of the line that a point belongs to: its revision, and what tells the revision's lines apart. */
export function lineOf({ axes }: SeriesPlot, point: Point): string {
  const varied = (['filename', 'field'] as const).filter(
    (key) => new Set(axes?.lines.map((line) => line[key])).size > 1,
  )
  return ['rev', ...varied].map((key) => cellText(point, key)).join(' ')
}
