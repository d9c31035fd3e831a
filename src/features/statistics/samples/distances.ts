import { invariant } from '#base/invariant'
import { eachStep, type Sample } from './sample.ts'

/** Wasserstein-1 distance of two samples: the area between their distribution functions, in the unit of the values. */
export function wassersteinOf(one: Sample, other: Sample): number {
  return areaBetween(one, other, Math.abs)
}

/** Energy distance (Székely and Rizzo, 2004): √(2 ∫ (F − G)²), in the root of the unit of the values. */
export function energyDistance(one: Sample, other: Sample): number {
  return Math.sqrt(2 * areaBetween(one, other, (gap) => gap * gap))
}

function areaBetween(one: Sample, other: Sample, heightOf: (gap: number) => number): number {
  const n = one.sorted.length
  const m = other.sorted.length
  invariant(n > 0 && m > 0, 'a sample has values')
  let area = 0
  let from = 0
  let height = 0
  eachStep(one, other, ({ value, oneBelow, otherBelow, oneAt, otherAt }) => {
    if (height !== 0) area += height * (value - from)
    from = value
    height = heightOf((oneBelow + oneAt) / n - (otherBelow + otherAt) / m)
  })
  return area
}
