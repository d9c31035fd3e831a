import { invariant } from '#base/invariant'
import { kolmogorovSf } from './distributions.ts'

/** A distribution as points with a weight each; any order, any total. */
export interface Atom {
  readonly at: number
  readonly weight: number
}

/** Wasserstein-1 distance, the area between the two distribution functions, in the unit of the values. */
export function wasserstein(reference: readonly Atom[], current: readonly Atom[]): number {
  const p = totalOf(reference)
  const q = totalOf(current)
  invariant(p > 0 && q > 0, 'a distribution weighs something')
  const steps = [
    ...reference.map(({ at, weight }) => ({ at, step: weight / p })),
    ...current.map(({ at, weight }) => ({ at, step: -weight / q })),
  ].toSorted((one, other) => one.at - other.at)
  let area = 0
  let between = 0
  for (const [index, { at, step }] of steps.entries()) {
    area += index === 0 ? 0 : Math.abs(between) * (at - (steps[index - 1] as { at: number }).at)
    between += step
  }
  return area
}

/** Each value as an atom of weight 1. */
export function atomsOf(values: readonly number[]): Atom[] {
  return values.map((at) => ({ at, weight: 1 }))
}

/** Up to this many lattice steps the two-sample p-value is counted exactly. */
const EXACT_STEPS_MAX = 250_000

/** Two-sample Kolmogorov–Smirnov: the largest difference of the distribution functions, and how likely it is by chance. */
export function kolmogorovSmirnov(
  one: readonly number[],
  other: readonly number[],
): { d: number; p: number } {
  const n = one.length
  const m = other.length
  invariant(n > 0 && m > 0, 'a sample has values')
  const d = largestGap(ascending(one), ascending(other))
  const p = n * m <= EXACT_STEPS_MAX ? exactP(d, n, m) : limitP(d, n, m)
  return { d, p }
}

function largestGap(one: Float64Array, other: Float64Array): number {
  let i = 0
  let j = 0
  let largest = 0
  while (i < one.length && j < other.length) {
    const at = Math.min(one[i] as number, other[j] as number)
    while (i < one.length && one[i] === at) i++
    while (j < other.length && other[j] === at) j++
    largest = Math.max(largest, Math.abs(i / one.length - j / other.length))
  }
  return largest
}

/**
 * Share of the lattice paths from (0, 0) to (n, m) that leave the band |x/n − y/m| < d: Hodges (1958), ties as
 * if there were none. Each cell holds the probability that a path gets to it without having left the band.
 */
function exactP(d: number, n: number, m: number): number {
  const edge = d * n * m - 0.5
  if (edge < 0) return 1
  const outside = (x: number, y: number) => Math.abs(x * m - y * n) >= edge
  // left[y]: share of all paths to (x, y) that left the band.
  let left = new Float64Array(m + 1)
  for (let y = 1; y <= m; y++) left[y] = outside(0, y) ? 1 : (left[y - 1] as number)
  for (let x = 1; x <= n; x++) {
    const next = new Float64Array(m + 1)
    next[0] = outside(x, 0) ? 1 : (left[0] as number)
    for (let y = 1; y <= m; y++)
      next[y] = outside(x, y)
        ? 1
        : ((left[y] as number) * x + (next[y - 1] as number) * y) / (x + y)
    left = next
  }
  return left[m] as number
}

/** Kolmogorov's limit with the correction of Stephens (1970) for finite samples. */
function limitP(d: number, n: number, m: number): number {
  const root = Math.sqrt((n * m) / (n + m))
  return Math.min(1, kolmogorovSf((root + 0.12 + 0.11 / root) * d))
}

function ascending(values: readonly number[]): Float64Array {
  return Float64Array.from(values).toSorted()
}

function totalOf(atoms: readonly Atom[]): number {
  return atoms.reduce((all, { weight }) => all + weight, 0)
}
