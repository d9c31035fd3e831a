import { sharesOf, type SharePair } from '../distances/shares.ts'
import { distinctCount, eachStep, pooled, type Sample } from '../samples/sample.ts'
import { histogramOf, sturgesEdges } from './edges.ts'

/** Evidently bins a numeric column with more distinct reference values than this, and else counts each value. */
const DISTINCT_MAX = 20

/**
 * The shares that Evidently 0.7 compares for a numeric column: equally wide bins by Sturges over both samples
 * together, so that the edges move with the current data. `integers` is whether the column is of whole numbers.
 */
export function evidentlyShares(
  reference: Sample,
  current: Sample,
  { integers }: { integers: boolean },
): SharePair {
  if (distinctCount(reference) <= DISTINCT_MAX) return sharesByValue(reference, current)
  const edges = sturgesEdges(pooled(reference, current), { integers })
  return {
    reference: sharesOf(histogramOf(reference, edges)),
    current: sharesOf(histogramOf(current, edges)),
  }
}

function sharesByValue(reference: Sample, current: Sample): SharePair {
  const pair = { reference: new Array<number>(), current: new Array<number>() }
  eachStep(reference, current, ({ oneAt, otherAt }) => {
    pair.reference.push(oneAt / reference.sorted.length)
    pair.current.push(otherAt / current.sorted.length)
  })
  return pair
}

/** The shares of categories, those of either side, in the order of the reference's and then the current ones. */
export function categoryShares(
  reference: ReadonlyMap<string, number>,
  current: ReadonlyMap<string, number>,
): SharePair {
  const counts = categoryCounts(reference, current)
  return { reference: sharesOf(counts.reference), current: sharesOf(counts.current) }
}

/** The same as counts. */
export function categoryCounts(
  reference: ReadonlyMap<string, number>,
  current: ReadonlyMap<string, number>,
): { categories: string[]; reference: number[]; current: number[] } {
  const categories = [...new Set([...reference.keys(), ...current.keys()])]
  return {
    categories,
    reference: categories.map((category) => reference.get(category) ?? 0),
    current: categories.map((category) => current.get(category) ?? 0),
  }
}

/** Empty bins filled as Evidently does before it takes logarithms: each side on its own, and no sum is put right. */
export function filledAsEvidently({ reference, current }: SharePair): SharePair {
  return { reference: filled(reference), current: filled(current) }
}

function filled(shares: readonly number[]): number[] {
  const least = shares.reduce((some, share) => (share > 0 && share < some ? share : some), Infinity)
  const fill = least <= 1e-4 ? least / 1e6 : 1e-4
  return shares.map((share) => (share === 0 ? fill : share))
}

/** Evidently's bins for the Hellinger distance: by Sturges over the distinct values of both, however often each occurs. */
export function evidentlyHellingerShares(
  reference: Sample,
  current: Sample,
  { integers }: { integers: boolean },
): SharePair {
  const distinct: number[] = []
  eachStep(reference, current, ({ value }) => distinct.push(value))
  const edges = sturgesEdges({ sorted: Float64Array.from(distinct) }, { integers })
  return {
    reference: sharesOf(histogramOf(reference, edges)),
    current: sharesOf(histogramOf(current, edges)),
  }
}
