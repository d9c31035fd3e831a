import { invariant } from '#base/invariant'
import type { Sample } from './sample.ts'

/** Wasserstein-1 distance of two samples: the area between their distribution functions, in the unit of the values. */
export function wassersteinOf(one: Sample, other: Sample): number {
  return areaBetween(one, other, Math.abs)
}

/** Energy distance (Székely and Rizzo, 2004): √(2 ∫ (F − G)²), in the root of the unit of the values. */
export function energyDistance(one: Sample, other: Sample): number {
  return Math.sqrt(2 * areaBetween(one, other, (gap) => gap * gap))
}

/** Walks over millions of values by itself: a call for each step would cost several times as much. */
function areaBetween(one: Sample, other: Sample, heightOf: (gap: number) => number): number {
  const left = one.sorted
  const right = other.sorted
  const n = left.length
  const m = right.length
  invariant(n > 0 && m > 0, 'a sample has values')
  let i = 0
  let j = 0
  let area = 0
  let from = 0
  let height = 0
  while (i < n || j < m) {
    const isLeft = j >= m || (i < n && (left[i] as number) < (right[j] as number))
    const value = (isLeft ? left[i] : right[j]) as number
    if (height !== 0) area += height * (value - from)
    from = value
    while (i < n && left[i] === value) i++
    while (j < m && right[j] === value) j++
    height = heightOf(i / n - j / m)
  }
  return area
}
