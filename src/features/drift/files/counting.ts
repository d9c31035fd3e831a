import type { Counts, NumericProfile } from '../profile.ts'
import { cellOf, placesOf, type Places } from './places.ts'
import type { NumberSummary, SideSummary } from './report.ts'

/** What was counted of some rows of a numeric column. */
export interface CountedNumbers {
  readonly counts: Counts
  /** Not-a-number, and gaps: a stream of numbers does not tell them apart. */
  readonly notANumber: number
  readonly infinite: number
  readonly numbers: NumberSummary | null
}

/** Counts the values of a numeric column as they come, by span where they have one. */
export interface NumberCounter {
  add(values: Float64Array, spans: Float64Array | null): void
  /** By span; under null all rows, whatever their span. */
  found(): ReadonlyMap<number | null, CountedNumbers>
}

export function numberCounter(column: Pick<NumericProfile, 'edges' | 'mean'>): NumberCounter {
  const { edges, mean } = column
  const places = placesOf(edges)
  const bySpan = new Map<number, Cells>()
  const untimed = newCells(edges.length + 1)
  return {
    add: (values, spans) => {
      if (spans === null) return count(untimed, values, { places, mean })
      // Rows of one span mostly follow one another: each stretch is counted as one.
      for (let from = 0; from < values.length;) {
        const span = spans[from] as number
        let to = from + 1
        while (to < values.length && spans[to] === span) to++
        const known = Number.isNaN(span) ? untimed : bySpan.get(span)
        const cells = known ?? newCells(edges.length + 1)
        if (known === undefined) bySpan.set(span, cells)
        count(cells, values.subarray(from, to), { places, mean })
        from = to
      }
    },
    found: () => {
      const all = [...bySpan.values()].reduce(together, untimed)
      return new Map<number | null, CountedNumbers>([
        [null, countedOf(all, mean)],
        ...[...bySpan].map(([span, cells]): [number, CountedNumbers] => [
          span,
          countedOf(cells, mean),
        ]),
      ])
    },
  }
}

interface Cells {
  readonly bins: Float64Array
  readonly sums: Float64Array
  /** Squares of differences from the reference's mean, which lies near the values. */
  squares: number
  min: number
  max: number
  notANumber: number
  infinite: number
}

function newCells(bins: number): Cells {
  return {
    bins: new Float64Array(bins),
    sums: new Float64Array(bins),
    squares: 0,
    min: Infinity,
    max: -Infinity,
    notANumber: 0,
    infinite: 0,
  }
}

function count(
  cells: Cells,
  values: Float64Array,
  { places, mean }: { places: Places; mean: number },
): void {
  const { bins, sums } = cells
  const { edges, firsts, from, scale } = places
  let { squares, min, max } = cells
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number
    // Neither not-a-number nor an infinity leaves 0.
    if (value - value !== 0) {
      if (Number.isNaN(value)) cells.notANumber++
      else cells.infinite++
      continue
    }
    let bin = firsts[cellOf(value - from, scale)] as number
    while ((edges[bin] as number) < value) bin++
    bins[bin] = (bins[bin] as number) + 1
    sums[bin] = (sums[bin] as number) + value
    squares += (value - mean) * (value - mean)
    if (value < min) min = value
    if (value > max) max = value
  }
  cells.squares = squares
  cells.min = min
  cells.max = max
}

function together(one: Cells, other: Cells): Cells {
  return {
    bins: one.bins.map((each, index) => each + (other.bins[index] as number)),
    sums: one.sums.map((each, index) => each + (other.sums[index] as number)),
    squares: one.squares + other.squares,
    min: Math.min(one.min, other.min),
    max: Math.max(one.max, other.max),
    notANumber: one.notANumber + other.notANumber,
    infinite: one.infinite + other.infinite,
  }
}

function countedOf(cells: Cells, about: number): CountedNumbers {
  const { bins, sums, notANumber, infinite } = cells
  const values = bins.reduce((all, each) => all + each, 0)
  const counts = { bins: [...bins], sums: [...sums], missing: notANumber + infinite }
  if (values === 0) return { counts, notANumber, infinite, numbers: null }
  const mean = sums.reduce((all, each) => all + each, 0) / values
  const variance = Math.max(0, cells.squares / values - (mean - about) ** 2)
  const numbers = { min: cells.min, max: cells.max, mean, std: Math.sqrt(variance) }
  return { counts, notANumber, infinite, numbers }
}

export function summaryOfCounted(
  { counts, notANumber, infinite, numbers }: CountedNumbers,
  nulls: number | undefined,
): SideSummary {
  const rows = counts.bins.reduce((all, each) => all + each, 0) + counts.missing
  const missing = nulls ?? notANumber
  return { rows, missing, notFinite: notANumber - missing + infinite, numbers, categories: null }
}
