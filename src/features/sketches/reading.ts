import { distinctIn } from './distinct.ts'
import { settle, weightedIn, type NumberSketch, type Weighted } from './numbers.ts'
import type { ColumnSketch } from './sketch.ts'
import { timesOf } from './texts.ts'

/** How often each bin was hit. */
export interface BinCounts {
  readonly bins: number[]
  /** Sum of the values in each bin; empty for categories. */
  readonly sums: number[]
  /** Rows with no value for a bin: null, a list, not-a-number, infinities. */
  readonly missing: number
  /** Of how many lie up to an edge, where that is not known exactly. */
  readonly variance?: number
}

/**
 * Counts what a sketch has seen in bins: bin i holds the numbers above `edges[i - 1]` up to `edges[i]`, the first and the last
 * are open. Exact while the column's different numbers are few; else no count up to an edge is further off than chance
 * makes it, with the standard deviation `rankErrorOf`. Texts and booleans are read as the numbers that they say.
 */
export function numericCounts(sketch: ColumnSketch, edges: readonly number[]): BinCounts {
  const bins = zeros(edges.length + 1)
  const sums = zeros(edges.length + 1)
  let bin = 0
  const add = (value: number, weight: number): void => {
    bins[bin]! += weight
    sums[bin]! += value * weight
  }
  const { values, weights } = weightedIn(sketch.numbers)
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number
    while (bin < edges.length && (edges[bin] as number) < value) bin++
    add(value, weights[at] as number)
  }
  let missing = missingIn(sketch)
  for (const { value, weight } of otherNumbers(sketch)) {
    if (!Number.isFinite(value)) missing += weight
    else {
      bin = edges.findIndex((edge) => edge >= value)
      if (bin === -1) bin = edges.length
      add(value, weight)
    }
  }
  const { exact, variance } = sketch.numbers
  return exact === null ? { bins, sums, missing, variance } : { bins, sums, missing }
}

/** What booleans and texts are as numbers. Texts that are not kept any more say nothing. */
function otherNumbers({ trues, falses, texts }: ColumnSketch): { value: number; weight: number }[] {
  const said = [
    { value: 1, weight: trues },
    { value: 0, weight: falses },
  ]
  let rest = texts.count
  for (const [text, weight] of texts.counts) {
    said.push({ value: text.trim() === '' ? Number.NaN : Number(text), weight })
    rest -= weight
  }
  said.push({ value: Number.NaN, weight: rest })
  return said.filter(({ weight }) => weight > 0)
}

/** Counts what a sketch has seen by category, each in one bin, and in a last bin all others. */
export function categoricalCounts(sketch: ColumnSketch, categories: readonly string[]): BinCounts {
  const missing = missingIn(sketch)
  const numbers = new Map<string, number>()
  const { values, weights } = weightedIn(sketch.numbers)
  for (let at = 0; at < values.length; at++) numbers.set(String(values[at]), weights[at] as number)
  const bins = categories.map((category) => {
    const flags = category === 'true' ? sketch.trues : category === 'false' ? sketch.falses : 0
    return timesOf(sketch.texts, category) + flags + (numbers.get(category) ?? 0)
  })
  const known = bins.reduce((sum, count) => sum + count, 0)
  return { bins: [...bins, Math.max(0, sketch.rows - missing - known)], sums: [], missing }
}

/** Rows in which there is nothing that could be compared. */
export function missingIn(sketch: ColumnSketch): number {
  const { nulls, nans, infinities, negativeInfinities, lists } = sketch
  return nulls + nans + infinities + negativeInfinities + lists
}

/** The standard deviation of the share of numbers up to any edge; 0 while they are known exactly. */
export function rankErrorOf({ numbers }: ColumnSketch): number {
  settle(numbers)
  return numbers.exact !== null ? 0 : Math.sqrt(numbers.variance) / numbers.count
}

/** Whether everything that is asked of a sketch is answered exactly. */
export function isExact({ numbers, texts }: ColumnSketch): boolean {
  settle(numbers)
  return numbers.exact !== null && texts.offset === 0
}

/** The finite numbers in order, each with how many it stands for. */
export function numbersIn(sketch: ColumnSketch): Weighted {
  return weightedIn(sketch.numbers)
}

/** The least number that has at least this share of the numbers up to it, for each level; NaN without numbers. */
export function quantilesOf(sketch: ColumnSketch, levels: readonly number[]): number[] {
  const { values, weights } = weightedIn(sketch.numbers)
  const { count, min, max } = sketch.numbers
  const upTo = new Float64Array(values.length)
  let sum = 0
  for (let at = 0; at < values.length; at++) upTo[at] = sum += weights[at] as number
  return levels.map((level) => {
    if (count === 0) return Number.NaN
    if (level <= 0) return min
    if (level >= 1) return max
    const found = upTo.findIndex((rank) => rank >= level * count)
    return values[found === -1 ? values.length - 1 : found] as number
  })
}

export interface ColumnSummary {
  readonly rows: number
  readonly missing: number
  /** Exact while there are few; else an estimate with a standard error of 2.3 %. */
  readonly distinct: number
  readonly numbers: {
    readonly count: number
    readonly mean: number
    readonly std: number
    readonly min: number
    readonly max: number
  } | null
  /** The most frequent texts, by how often they came at best. */
  readonly frequent: readonly { readonly text: string; readonly count: number }[]
}

/** The figures that are read most. */
export function summaryOf(sketch: ColumnSketch, frequent = 10): ColumnSummary {
  const { numbers, texts } = sketch
  settle(numbers)
  const { count, mean, m2, min, max } = numbers
  const most = [...texts.counts].toSorted(([, one], [, other]) => other - one).slice(0, frequent)
  return {
    rows: sketch.rows,
    missing: missingIn(sketch),
    distinct: distinctOf(sketch),
    numbers: count === 0 ? null : { count, mean, std: Math.sqrt(m2 / count), min, max },
    frequent: most.map(([text, times]) => ({ text, count: times + texts.offset })),
  }
}

/** How many different values there are: exact while they are few. */
export function distinctOf({ numbers, texts, trues, falses }: ColumnSketch): number {
  settle(numbers)
  return (
    Number(trues > 0) +
    Number(falses > 0) +
    (numbers.registers === null ? exactly(numbers) : Math.round(distinctIn(numbers.registers))) +
    (texts.registers === null ? texts.counts.size : Math.round(distinctIn(texts.registers)))
  )
}

function exactly({ exact }: NumberSketch): number {
  return exact?.values.length ?? 0
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0)
}
