import { jensenShannonDivergence, type SharePair } from '../distances/shares.ts'
import type { Sample } from '../samples/sample.ts'
import { dividedInto, histogramOf } from './edges.ts'

/** Buckets with the counts in them, ascending, as TensorFlow Data Validation keeps a numeric column. */
export interface Buckets {
  readonly edges: readonly number[]
  readonly counts: readonly number[]
  /** Values that are not a number: they stand for themselves. */
  readonly notNumbers?: number
}

/** TensorFlow Data Validation's standard histogram: ten buckets of one width over the values' own range. */
export function tfdvBuckets(sample: Sample, count = 10): Buckets {
  const [low, high] = [sample.sorted[0] ?? 0, sample.sorted.at(-1) ?? 0]
  const edges = low === high ? [low, high] : dividedInto(low, high, count)
  return { edges, counts: low === high ? [sample.sorted.length] : histogramOf(sample, edges) }
}

/**
 * TensorFlow Data Validation's drift of a numeric column: the Jensen–Shannon divergence to base 2 of two histograms,
 * both cut anew at the edges of either as if values lay evenly in each bucket. What is not a number counts as
 * different from whatever is not a number on the other side, and the value never exceeds 1.
 */
export function tfdvJensenShannon(reference: Buckets, current: Buckets): number {
  const edges = [...new Set([...reference.edges, ...current.edges])].toSorted((a, b) => a - b)
  const pair: SharePair = {
    reference: [...recut(reference, edges), reference.notNumbers ?? 0, 0],
    current: [...recut(current, edges), 0, current.notNumbers ?? 0],
  }
  return Math.min(1, jensenShannonDivergence(pair, 2))
}

/** A cell for each edge, which holds the buckets that are this one point, and one for each gap between two. */
function recut({ edges, counts }: Buckets, at: readonly number[]): number[] {
  const cells = Array.from({ length: at.length * 2 - 1 }, () => 0)
  const add = (cell: number, count: number) => (cells[cell] = (cells[cell] as number) + count)
  for (const [index, count] of counts.entries()) {
    const [low, high] = [edges[index] as number, edges[index + 1] as number]
    const from = at.indexOf(low)
    if (low === high) {
      add(from * 2, count)
      continue
    }
    for (let gap = from; gap < at.indexOf(high); gap++)
      add(gap * 2 + 1, (count * ((at[gap + 1] as number) - (at[gap] as number))) / (high - low))
  }
  return cells
}
