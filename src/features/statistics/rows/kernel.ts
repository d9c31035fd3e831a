import { invariant } from '#base/invariant'
import { seededDraws } from '#base/seeded'

/** Points as rows of numbers: embeddings, or single numbers. */
export type Points = readonly (readonly number[] | Float64Array | Float32Array)[]

/** More points than this on a side are thinned evenly: time and memory grow with their square. */
const POINTS_MAX = 1000

export interface MmdOptions {
  readonly permutations?: number
  readonly seed?: number
}

/**
 * Maximum mean discrepancy (Gretton and others, 2012) with a Gaussian kernel as wide as the median distance in the
 * reference, and its p-value by permutations, from a seed. Undefined with fewer than two points on a side.
 */
export function maximumMeanDiscrepancy(
  reference: Points,
  current: Points,
  { permutations = 100, seed = 1 }: MmdOptions = {},
): { statistic: number; p: number } | undefined {
  const one = thinned(reference)
  const other = thinned(current)
  if (one.length < 2 || other.length < 2) return undefined
  const points = [...one, ...other]
  const kernel = kernelOf(points, widthOf(one))
  const order = Uint32Array.from(points.keys())
  const statistic = discrepancy(kernel, order, one.length)
  const draw = seededDraws(seed)
  let extreme = 0
  for (let round = 0; round < permutations; round++) {
    shuffle(order, draw)
    if (discrepancy(kernel, order, one.length) >= statistic) extreme++
  }
  return { statistic, p: permutations === 0 ? NaN : extreme / permutations }
}

/** Twice the square of the kernel's width: the median squared distance of all pairs, those with itself counted too. */
function widthOf(points: Points): number {
  const squares = new Float64Array(points.length ** 2)
  for (const [i, one] of points.entries())
    for (const [j, other] of points.entries())
      squares[i * points.length + j] = squaredDistance(one, other)
  squares.sort()
  const median = squares[nearestEven((squares.length - 1) / 2)] as number
  return median === 0 ? 1 : median
}

function nearestEven(place: number): number {
  const below = Math.floor(place)
  if (place - below !== 0.5) return Math.round(place)
  return below % 2 === 0 ? below : below + 1
}

/** The kernel of each pair, row by row, without the pairs of a point with itself. */
function kernelOf(points: Points, width: number): Float64Array[] {
  return points.map((one, i) =>
    Float64Array.from(points, (other, j) =>
      i === j ? 0 : Math.exp(-squaredDistance(one, other) / width),
    ),
  )
}

function discrepancy(kernel: readonly Float64Array[], order: Uint32Array, n: number): number {
  const m = order.length - n
  let [within, across, beyond] = [0, 0, 0]
  for (let i = 0; i < order.length; i++) {
    const row = kernel[order[i] as number] as Float64Array
    for (let j = 0; j < i; j++) {
      const value = row[order[j] as number] as number
      if (i < n) within += value
      else if (j < n) across += value
      else beyond += value
    }
  }
  return (2 * within) / (n * (n - 1)) + (2 * beyond) / (m * (m - 1)) - (2 * across) / (n * m)
}

function shuffle(order: Uint32Array, draw: () => number): void {
  for (let last = order.length - 1; last > 0; last--) {
    const chosen = Math.floor(draw() * (last + 1))
    const held = order[last] as number
    order[last] = order[chosen] as number
    order[chosen] = held
  }
}

function squaredDistance(one: ArrayLike<number>, other: ArrayLike<number>): number {
  invariant(one.length === other.length, 'points have the same number of dimensions')
  let all = 0
  for (let index = 0; index < one.length; index++)
    all += ((one[index] as number) - (other[index] as number)) ** 2
  return all
}

function thinned(points: Points): Points {
  if (points.length <= POINTS_MAX) return points
  const step = points.length / POINTS_MAX
  return Array.from(
    { length: POINTS_MAX },
    (_, index) => points[Math.floor(index * step)] as Points[number],
  )
}
