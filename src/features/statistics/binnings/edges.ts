import { invariant } from '#base/invariant'
import { countBelow, meanOf, quantileOf, varianceOf, type Sample } from '../samples/sample.ts'

/**
 * Bin edges of one width as NumPy lays them: `width` is what a rule wishes for, and as many bins as needed to stay at
 * or below it are made. Whole numbers never get bins narrower than 1.
 */
function evenEdges(
  { sorted }: Sample,
  width: number,
  { integers }: { integers: boolean },
): number[] {
  invariant(sorted.length > 0, 'bins are of something')
  const low = sorted[0] as number
  const high = sorted.at(-1) as number
  if (low === high || !(width > 0)) return [low - 0.5, low + 0.5]
  const count = Math.ceil((high - low) / (integers ? Math.max(1, width) : width))
  return dividedInto(low, high, count)
}

/** This many bins of one width between two values. */
export function dividedInto(low: number, high: number, count: number): number[] {
  const step = (high - low) / count
  const edges = Array.from({ length: count + 1 }, (_, index) => index * step + low)
  edges[count] = high
  return edges
}

/** Edges by the rule of Sturges (1926), as NumPy's `sturges`. */
export function sturgesEdges(sample: Sample, options: { integers: boolean }): number[] {
  return evenEdges(sample, rangeOf(sample) / (Math.log2(sample.sorted.length) + 1), options)
}

/** Edges by the rule of Doane (1976), which allows for skewness, as NumPy's `doane`. */
export function doaneEdges(sample: Sample): number[] {
  const size = sample.sorted.length
  const sigma = Math.sqrt(varianceOf(sample, 0))
  if (size <= 2 || !(sigma > 0)) return evenEdges(sample, 0, { integers: false })
  const mean = meanOf(sample)
  let cubes = 0
  for (const value of sample.sorted) cubes += ((value - mean) / sigma) ** 3
  const error = Math.sqrt((6 * (size - 2)) / ((size + 1) * (size + 3)))
  const skewness = Math.abs(cubes / size)
  const width = rangeOf(sample) / (1 + Math.log2(size) + Math.log2(1 + skewness / error))
  return evenEdges(sample, width, { integers: false })
}

/** Inner edges at the reference's quantiles, each once: bins are open at both ends and hold (e[i − 1], e[i]]. */
export function quantileEdges(reference: Sample, bins: number): number[] {
  const levels = Array.from({ length: bins - 1 }, (_, index) => (index + 1) / bins)
  return [...new Set(levels.map((level) => quantileOf(reference, level)))]
}

/** How many values fall into each bin [e[i], e[i + 1]), the last one closed, as NumPy's histogram: others are left out. */
export function histogramOf(sample: Sample, edges: readonly number[]): number[] {
  const last = edges.length - 1
  const below = edges.map((edge, index) => countBelow(sample, edge, index === last))
  return below.slice(1).map((count, index) => count - (below[index] as number))
}

/** How many values fall into each of the open-ended bins (e[i − 1], e[i]]. */
export function openHistogramOf(sample: Sample, edges: readonly number[]): number[] {
  const upTo = [...edges.map((edge) => countBelow(sample, edge, true)), sample.sorted.length]
  return upTo.map((count, index) => count - (upTo[index - 1] ?? 0))
}

function rangeOf({ sorted }: Sample): number {
  return (sorted.at(-1) as number) - (sorted[0] as number)
}
