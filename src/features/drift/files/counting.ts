import type { Counts, NumericProfile } from '../profile.ts'
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
  const padded = paddedEdges(edges)
  const bySpan = new Map<number, Cells>()
  const untimed = newCells(edges.length + 1)
  return {
    add: (values, spans) => {
      if (spans === null) return count(untimed, values, { padded, mean })
      // Rows of one span mostly follow one another: each stretch is counted as one.
      for (let from = 0; from < values.length;) {
        const span = spans[from] as number
        let to = from + 1
        while (to < values.length && spans[to] === span) to++
        const known = Number.isNaN(span) ? untimed : bySpan.get(span)
        const cells = known ?? newCells(edges.length + 1)
        if (known === undefined) bySpan.set(span, cells)
        count(cells, values.subarray(from, to), { padded, mean })
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

/** A whole power of two less one of edges, the rest beyond every number: a search of always the same steps. */
function paddedEdges(edges: readonly number[]): Float64Array {
  let size = 1
  while (size - 1 < edges.length) size *= 2
  const padded = new Float64Array(size - 1).fill(Infinity)
  padded.set(edges)
  return padded
}

function count(
  cells: Cells,
  values: Float64Array,
  { padded, mean }: { padded: Float64Array; mean: number },
): void {
  const { bins, sums } = cells
  const half = (padded.length + 1) >> 1
  let { squares, min, max } = cells
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number
    // Neither not-a-number nor an infinity leaves 0.
    if (value - value !== 0) {
      if (Number.isNaN(value)) cells.notANumber++
      else cells.infinite++
      continue
    }
    let bin = 0
    for (let step = half; step > 0; step >>= 1)
      if ((padded[bin + step - 1] as number) < value) bin += step
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
