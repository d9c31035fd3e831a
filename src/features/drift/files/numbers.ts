import { ascending } from './ascending.ts'
import type { NumberSummary } from './report.ts'

/** The finite values of a column on one side, in ascending order. */
export interface Sample {
  readonly sorted: Float64Array
  readonly mean: number
  /** Of the population. */
  readonly std: number
}

/** Sorts the values where they lie: the caller gives them away. */
export function sampleOf(values: Float64Array): Sample {
  const sorted = ascending(values)
  return { sorted, ...spreadIn(sorted) }
}

function spreadIn(values: Float64Array): { mean: number; std: number } {
  let sum = 0
  for (let index = 0; index < values.length; index++) sum += values[index] as number
  const mean = values.length === 0 ? 0 : sum / values.length
  let squares = 0
  for (let index = 0; index < values.length; index++)
    squares += ((values[index] as number) - mean) ** 2
  return { mean, std: values.length === 0 ? 0 : Math.sqrt(squares / values.length) }
}

export function summaryOf({ sorted, mean, std }: Sample): NumberSummary | null {
  if (sorted.length === 0) return null
  return { min: sorted[0] as number, max: sorted.at(-1) as number, mean, std }
}

/** Type 7 of Hyndman and Fan: between the two nearest values. */
export function quantileIn(sorted: Float64Array, level: number): number {
  const place = level * (sorted.length - 1)
  const below = sorted[Math.floor(place)] as number
  const above = sorted[Math.ceil(place)] as number
  return below + (above - below) * (place - Math.floor(place))
}

/** Whether two sorted samples together have at most so many different values, and which. */
export function distinctUpTo(
  one: Float64Array,
  other: Float64Array,
  most: number,
): number[] | null {
  const found = new Set<number>()
  for (const sorted of [one, other])
    for (let index = 0; index < sorted.length; index++) {
      const value = sorted[index] as number
      if (index > 0 && value === sorted[index - 1]) continue
      found.add(value)
      if (found.size > most) return null
    }
  return [...found].toSorted((left, right) => left - right)
}

/** How often each of the values, which are in ascending order, is in a sorted sample. */
export function tallied(sorted: Float64Array, values: readonly number[]): Float64Array {
  const counts = new Float64Array(values.length)
  let at = 0
  for (let index = 0; index < sorted.length; index++) {
    while (at < values.length && (values[at] as number) < (sorted[index] as number)) at++
    if (values[at] === sorted[index]) counts[at] = (counts[at] as number) + 1
  }
  return counts
}
