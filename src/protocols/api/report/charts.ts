import type { HeatRow } from '../monitoring-wire.ts'
import { escaped } from './escaped.ts'

/** A value at a window, with its interval as far as there is one. */
export interface ChartPoint {
  readonly at: number
  readonly value: number | null
  readonly low?: number | null
  readonly high?: number | null
}

export interface ChartLine {
  readonly points: readonly ChartPoint[]
  /** `told` is measured; `guess` is estimated. */
  readonly look: 'told' | 'guess'
}

const WIDTH = 720
const LEFT = 56
const RIGHT = 8
const TOP = 8
const BOTTOM = 22

/** Lines over windows, with the bounds that they must keep. `starts` are the windows' first days. */
export function lineChart(
  label: string,
  of: {
    starts: readonly string[]
    lines: readonly ChartLine[]
    bounds: readonly number[]
    height?: number
  },
): string {
  const { starts, lines, bounds, height = 180 } = of
  const seen = lines.flatMap(({ points }) =>
    points.flatMap(({ value, low, high }) =>
      [value, low, high].flatMap((each) => (each == null || !Number.isFinite(each) ? [] : [each])),
    ),
  )
  if (seen.length === 0) return ''
  const [least, most] = rangeOf([...seen, ...bounds])
  const x = (at: number) => LEFT + ((at + 0.5) / starts.length) * (WIDTH - LEFT - RIGHT)
  const y = (value: number) =>
    TOP + (1 - (value - least) / (most - least)) * (height - TOP - BOTTOM)
  const drawn = lines.map(
    ({ points, look }) => bandOf(points, x, y, look) + pathOf(points, x, y, look),
  )
  const limits = bounds.map(
    (bound) =>
      `<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${px(y(bound))}" y2="${px(y(bound))}"/>`,
  )
  return svg(
    label,
    height,
    [...axes({ starts, least, most, height, y }), ...limits, ...drawn].join(''),
  )
}

/** How much there was of each window. */
export function barChart(
  label: string,
  {
    starts,
    values,
    height = 110,
  }: { starts: readonly string[]; values: readonly number[]; height?: number },
): string {
  const most = Math.max(1, ...values)
  const step = (WIDTH - LEFT - RIGHT) / Math.max(1, values.length)
  const y = (value: number) => TOP + (1 - value / most) * (height - TOP - BOTTOM)
  const bars = values.map((value, at) => {
    const top = y(value)
    const [left, width] = [LEFT + at * step, Math.max(0.5, step - (step > 4 ? 1.5 : 0))]
    return `<rect class="bar" x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${px(height - BOTTOM - top)}"><title>${escaped(starts[at] ?? '')}: ${value}</title></rect>`
  })
  return svg(label, height, [...axes({ starts, least: 0, most, height, y }), ...bars].join(''))
}

const CELL = 15
const NAMES = 150
const COLUMNS_MAX = 120

/** Columns by windows: how far each was from its reference, as a multiple of what counts as drift. */
export function heatMap(
  label: string,
  heat: readonly HeatRow[],
  starts: readonly string[],
): string {
  if (heat.length === 0 || starts.length === 0) return ''
  const per = Math.ceil(starts.length / COLUMNS_MAX)
  const columns = Math.ceil(starts.length / per)
  const width = (WIDTH - NAMES - RIGHT) / columns
  const rows = heat.map(({ feature, cells }, row) => {
    const name = feature ?? 'what is answered'
    const y = TOP + row * CELL
    const text = `<text class="name" x="${NAMES - 6}" y="${y + CELL - 4}" text-anchor="end">${escaped(short(name))}<title>${escaped(name)}</title></text>`
    const drawn = Array.from({ length: columns }, (_, column) => {
      const own = cells.slice(column * per, (column + 1) * per).filter((cell) => cell !== null)
      const worst = own.toSorted((one, other) => other.excess - one.excess)[0]
      if (worst === undefined) return ''
      const x = NAMES + column * width
      const level = own.some(({ drifted }) => drifted)
        ? worst.excess >= 3
          ? 4
          : 3
        : levelOf(worst.excess)
      const effect = worst.effect === null ? 'missing values' : digits(worst.effect)
      const told = `${name}, ${starts[column * per] ?? ''}: ${effect}, drift beyond ${digits(worst.threshold)}${worst.usual === null ? '' : ` (usual: ${worst.usual})`}`
      const size = `width="${px(Math.max(0.6, width - (width > 5 ? 1 : 0)))}" height="${CELL - 1}"`
      return `<rect class="h${level}" x="${px(x)}" y="${y}" ${size}><title>${escaped(told)}</title></rect>`
    })
    return text + drawn.join('')
  })
  const height = TOP + heat.length * CELL + BOTTOM
  const ends = `<text class="tick" x="${NAMES}" y="${height - 6}">${escaped(starts[0] ?? '')}</text><text class="tick" x="${WIDTH - RIGHT}" y="${height - 6}" text-anchor="end">${escaped(starts.at(-1) ?? '')}</text>`
  return svg(label, height, rows.join('') + ends)
}

function levelOf(excess: number): number {
  if (excess < 0.33) return 0
  return excess < 0.66 ? 1 : 2
}

function rangeOf(values: readonly number[]): [number, number] {
  const least = Math.min(...values)
  const most = Math.max(...values)
  const room = (most - least || Math.abs(most) || 1) * 0.08
  return [least - room, most + room]
}

function bandOf(
  points: readonly ChartPoint[],
  x: (at: number) => number,
  y: (value: number) => number,
  look: ChartLine['look'],
): string {
  return points
    .flatMap(({ at, low, high }) =>
      low == null || high == null
        ? []
        : [
            `<line class="sure ${look}" x1="${px(x(at))}" x2="${px(x(at))}" y1="${px(y(low))}" y2="${px(y(high))}"/>`,
          ],
    )
    .join('')
}

function pathOf(
  points: readonly ChartPoint[],
  x: (at: number) => number,
  y: (value: number) => number,
  look: ChartLine['look'],
): string {
  let path = ''
  let isDown = false
  for (const { at, value } of points) {
    if (value !== null) path += `${isDown ? 'L' : 'M'}${px(x(at))} ${px(y(value))}`
    isDown = value !== null
  }
  const dots = points.flatMap(({ at, value }) =>
    value === null
      ? []
      : [`<circle class="${look}" cx="${px(x(at))}" cy="${px(y(value))}" r="2.2"/>`],
  )
  return `<path class="${look}" d="${path}"/>${dots.length > 120 ? '' : dots.join('')}`
}

function axes(of: {
  starts: readonly string[]
  least: number
  most: number
  height: number
  y: (value: number) => number
}): string[] {
  const { starts, least, most, height, y } = of
  const ticks = [0, 0.5, 1].map((share) => least + share * (most - least))
  return [
    ...ticks.map(
      (tick) =>
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${px(y(tick))}" y2="${px(y(tick))}"/><text class="tick" x="${LEFT - 6}" y="${px(y(tick) + 3.5)}" text-anchor="end">${escaped(digits(tick))}</text>`,
    ),
    `<text class="tick" x="${LEFT}" y="${height - 6}">${escaped(starts[0] ?? '')}</text>`,
    `<text class="tick" x="${WIDTH - RIGHT}" y="${height - 6}" text-anchor="end">${escaped(starts.at(-1) ?? '')}</text>`,
  ]
}

function svg(label: string, height: number, body: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(label)}">${body}</svg>`
}

function short(name: string): string {
  return name.length > 22 ? `${name.slice(0, 21)}…` : name
}

/** Three digits that count. */
export function digits(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10)
}
