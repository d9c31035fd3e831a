import { ascending } from '../numbers/ascending.ts'
import { momentsOf } from '../numbers/moments.ts'
import type { Room } from '../numbers/room.ts'
import type { NumberSummary } from './report.ts'

/** The finite values of a column on one side, in ascending order. */
export interface Sample {
  readonly sorted: Float64Array
  readonly mean: number
  /** Of the population. */
  readonly std: number
}

/** Sorts the values where they lie: the caller gives them away. */
export function sampleOf(values: Float64Array, room?: Room): Sample {
  const sorted = ascending(values, room)
  const { mean, variance } = momentsOf(sorted)
  return { sorted, mean, std: Math.sqrt(variance) }
}

/** What of a column's values can be compared, and how many others there were. */
export interface Finite {
  readonly values: Float64Array
  readonly notANumber: number
  readonly infinite: number
}

/** The values themselves where all of them are finite, else those that are, moved together in the array that is given. */
export function finiteOf(values: Float64Array, into: () => Float64Array): Finite {
  let notANumber = 0
  let infinite = 0
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number
    // Neither not-a-number nor an infinity leaves 0.
    if (value - value === 0) continue
    if (Number.isNaN(value)) notANumber++
    else infinite++
  }
  if (notANumber + infinite === 0) return { values, notANumber, infinite }
  const finite = into()
  let count = 0
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number
    if (value - value === 0) finite[count++] = value
  }
  return { values: finite.subarray(0, count), notANumber, infinite }
}

export function summaryOf({ sorted, mean, std }: Sample): NumberSummary | null {
  if (sorted.length === 0) return null
  return { min: sorted[0] as number, max: sorted.at(-1) as number, mean, std }
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
