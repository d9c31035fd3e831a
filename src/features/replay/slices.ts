import type { Logged } from '#inference'
import { quantilesOf, shareOf, type Estimate } from './statistics.ts'

/** Rows that have something in common, and how often the models disagreed on them. */
export interface Slice {
  readonly column: string
  /** Such as `= "AA"` or `8 to 12`. */
  readonly where: string
  readonly rows: number
  readonly disagreements: number
  readonly share: Estimate
}

/** Fewer rows say too little about a share. */
const ROWS_MIN = 30

const VALUES_MAX = 10
const SLICES_MAX = 10
const COLUMNS_MAX = 500

/** The slices where the models surely disagree most: by the lower bound of their share. */
export function worstSlices(
  inputs: readonly Readonly<Record<string, Logged>>[],
  disagrees: readonly boolean[],
): Slice[] {
  const columns = [...new Set(inputs.flatMap((row) => Object.keys(row)))].slice(0, COLUMNS_MAX)
  return columns
    .flatMap((column) => slicesOf(column, inputs, disagrees))
    .filter(({ rows, disagreements }) => rows >= ROWS_MIN && disagreements > 0)
    .toSorted((one, other) => other.share.low - one.share.low)
    .slice(0, SLICES_MAX)
}

function slicesOf(
  column: string,
  inputs: readonly Readonly<Record<string, Logged>>[],
  disagrees: readonly boolean[],
): Slice[] {
  const values = inputs.map((row) => row[column] ?? null)
  const numbers = values.filter((value): value is number => typeof value === 'number')
  const isNumeric = numbers.length > 0 && new Set(numbers).size > VALUES_MAX
  const nameOf = isNumeric ? quartileNames(numbers) : valueName
  const counts = new Map<string, { rows: number; disagreements: number }>()
  for (const [index, value] of values.entries()) {
    const where = nameOf(value)
    if (where === undefined) continue
    const count = counts.get(where) ?? { rows: 0, disagreements: 0 }
    count.rows += 1
    if (disagrees[index] === true) count.disagreements += 1
    counts.set(where, count)
  }
  return [...counts]
    .toSorted(([, one], [, other]) => other.rows - one.rows)
    .slice(0, VALUES_MAX)
    .map(([where, { rows, disagreements }]) => ({
      column,
      where,
      rows,
      disagreements,
      share: shareOf(disagreements, rows),
    }))
}

const NAME_CHARS_MAX = 100

function valueName(value: Logged): string | undefined {
  if (value === null) return 'is missing'
  if (typeof value === 'object') return undefined
  const text = JSON.stringify(value)
  return text.length > NAME_CHARS_MAX ? undefined : `= ${text}`
}

function quartileNames(numbers: readonly number[]): (value: Logged) => string | undefined {
  const [least = 0, first = 0, middle = 0, third = 0, most = 0] = quantilesOf(
    numbers,
    [0, 0.25, 0.5, 0.75, 1],
  )
  const edges = [least, first, middle, third, most]
  const shown = edges.map((edge) => String(Number(edge.toPrecision(6))))
  return (value) => {
    if (typeof value !== 'number') return valueName(value)
    const quarter = value <= first ? 0 : value <= middle ? 1 : value <= third ? 2 : 3
    return `${shown[quarter]} to ${shown[quarter + 1]}`
  }
}
