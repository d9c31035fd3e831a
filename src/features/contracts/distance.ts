import { invariant } from '#base/invariant'
import { jensenShannon, largestDifference, psi } from '#base/shares'
import type { DriftMethod } from './rule.ts'

/** A histogram of equally wide buckets between its ends. */
export interface Histogram {
  readonly low: number
  readonly high: number
  readonly counts: readonly number[]
}

/** How far two distributions over the same bins are apart. */
export function distance(
  method: Exclude<DriftMethod, 'kolmogorov-smirnov'>,
  reference: readonly number[],
  current: readonly number[],
): number {
  return DISTANCES[method](reference, current)
}

const DISTANCES = {
  psi,
  'jensen-shannon': jensenShannon,
  'l-infinity': largestDifference,
  // TFDV gives the divergence, which is the square of the distance.
  'js-divergence': (reference: readonly number[], current: readonly number[]) =>
    jensenShannon(reference, current) ** 2,
}

/** TFDV's bins: the edges of both histograms together, the values of a bucket spread evenly over it. */
export function inCommonBins(one: Histogram, other: Histogram): [number[], number[]] {
  const edges = [...new Set([...edgesOf(one), ...edgesOf(other)])].toSorted((a, b) => a - b)
  // A distribution of one value has a bucket without width, which is a bin of its own.
  const points = [one, other].filter(({ low, high }) => low === high).map(({ low }) => low)
  const bins: [number, number][] = edges
    .slice(1)
    .map((edge, index) => [edges[index] as number, edge])
  for (const point of new Set(points)) bins.push([point, point])
  return [bins.map((bin) => massIn(one, bin)), bins.map((bin) => massIn(other, bin))]
}

function edgesOf({ low, high, counts }: Histogram): number[] {
  if (low === high) return [low]
  const width = (high - low) / counts.length
  return [...counts.keys()].map((index) => low + index * width).concat(high)
}

function massIn(histogram: Histogram, [from, to]: [number, number]): number {
  const { low, high, counts } = histogram
  invariant(counts.length > 0, 'a histogram has buckets')
  if (low === high) return from === low && to === low ? counts.reduce((all, n) => all + n, 0) : 0
  if (from === to) return 0
  const edges = edgesOf(histogram)
  return counts.reduce((mass, count, index) => {
    const start = edges[index] as number
    const end = edges[index + 1] as number
    const overlap = Math.min(end, to) - Math.max(start, from)
    return overlap > 0 ? mass + (count * overlap) / (end - start) : mass
  }, 0)
}
