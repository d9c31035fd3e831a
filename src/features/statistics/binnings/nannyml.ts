import { sharesOf, type SharePair } from '../distances/shares.ts'
import { countBelow, type Sample } from '../samples/sample.ts'
import { kolmogorovSmirnov } from '../samples/kolmogorov.ts'
import { wassersteinOf } from '../samples/distances.ts'
import { dividedInto, doaneEdges, histogramOf } from './edges.ts'

/**
 * The shares that NannyML 0.13 compares for a numeric column: equally wide bins by Doane over the reference, and one
 * more for what of the current data lies outside of them.
 */
export function nannymlShares(reference: Sample, current: Sample): SharePair {
  const edges = doaneEdges(reference)
  const counts = histogramOf(current, edges)
  const outside = current.sorted.length - counts.reduce((all, count) => all + count, 0)
  return withLeftover(histogramOf(reference, edges), counts, outside)
}

/** The same for categories: one bin for each of the reference's, and one more for all others. */
export function nannymlCategoryShares(
  reference: ReadonlyMap<string, number>,
  current: ReadonlyMap<string, number>,
): SharePair {
  const counts = [...reference.keys()].map((category) => current.get(category) ?? 0)
  const all = [...current.values()].reduce((sum, count) => sum + count, 0)
  const outside = all - counts.reduce((sum, count) => sum + count, 0)
  return withLeftover([...reference.values()], counts, outside)
}

function withLeftover(
  reference: readonly number[],
  current: readonly number[],
  outside: number,
): SharePair {
  if (outside === 0) return { reference: sharesOf(reference), current: sharesOf(current) }
  return { reference: sharesOf([...reference, 0]), current: sharesOf([...current, outside]) }
}

/** From this many reference values on NannyML answers from bins. */
const ESTIMATED_SIZE_MIN = 10_000

const ESTIMATED_BINS = 10_000

/** NannyML's Kolmogorov–Smirnov statistic: from 10,000 reference values on by bins of one width over the reference's range. */
export function nannymlKolmogorovSmirnov(reference: Sample, current: Sample): number {
  if (reference.sorted.length < ESTIMATED_SIZE_MIN)
    return kolmogorovSmirnov(reference, current).statistic
  const { edges, below } = finely(reference, current)
  const n = reference.sorted.length
  const m = current.sorted.length
  const [left, right] = [histogramOf(reference, edges), histogramOf(current, edges)]
  let [f, g, largest] = [0, below / m, 0]
  for (const [index, count] of left.entries()) {
    f += count / n
    g += (right[index] as number) / m
    largest = Math.max(largest, Math.abs(f - g))
  }
  return largest
}

/** NannyML's Wasserstein distance, likewise; its tails count one value more than there are, as NannyML's do. */
export function nannymlWasserstein(reference: Sample, current: Sample): number {
  if (reference.sorted.length < ESTIMATED_SIZE_MIN) return wassersteinOf(reference, current)
  const { edges, below, above } = finely(reference, current)
  const [low, high] = [edges[0] as number, edges.at(-1) as number]
  const n = reference.sorted.length
  const m = current.sorted.length
  const smaller = below === 0 ? 0 : (below + 1) / m
  const larger = above === 0 ? 0 : (above + 1) / m
  const [left, right] = [histogramOf(reference, edges), histogramOf(current, edges)]
  const width = (edges[1] as number) - low
  let [f, g, within] = [0, smaller, 0]
  for (const [index, count] of left.entries()) {
    f += count / n
    g += (right[index] as number) / m
    within += Math.abs(f - g) * width
  }
  const head = current.sorted.subarray(0, below)
  const tail = current.sorted.subarray(m - above)
  return (
    within +
    smaller * areaUnder([...head, low], (place) => place) +
    larger * areaUnder([high, ...tail], (place) => 1 - place)
  )
}

function finely(
  reference: Sample,
  current: Sample,
): { edges: number[]; below: number; above: number } {
  const [low, high] = [reference.sorted[0] as number, reference.sorted.at(-1) as number]
  const edges =
    low === high
      ? dividedInto(low - 0.5, high + 0.5, ESTIMATED_BINS)
      : dividedInto(low, high, ESTIMATED_BINS)
  return {
    edges,
    below: countBelow(current, edges[0] as number),
    above: current.sorted.length - countBelow(current, edges.at(-1) as number, true),
  }
}

/** The area between the values' own distribution function and an axis, over their range. */
function areaUnder(ascending: readonly number[], heightOf: (share: number) => number): number {
  let area = 0
  for (let index = 1; index < ascending.length; index++)
    area +=
      heightOf(index / ascending.length) *
      ((ascending[index] as number) - (ascending[index - 1] as number))
  return area
}
