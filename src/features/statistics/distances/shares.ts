import { invariant } from '#base/invariant'

/** What part of each side falls into each bin; both have the same bins. */
export interface SharePair {
  readonly reference: readonly number[]
  readonly current: readonly number[]
}

/** Counts as parts of their sum. */
export function sharesOf(counts: readonly number[]): number[] {
  const total = counts.reduce((all, count) => all + count, 0)
  invariant(total > 0, 'a distribution counts something')
  return counts.map((count) => count / total)
}

/** Population stability index, Σ (p − q) ln(p / q): infinite where one side misses a bin of the other. */
export function populationStability(pair: SharePair): number {
  return summed(pair, (p, q) => (p === q ? 0 : (p - q) * Math.log(p / q)))
}

/** Kullback–Leibler divergence of the reference from the current shares, in nats. */
export function kullbackLeibler(pair: SharePair): number {
  return summed(normalised(pair), relativeEntropy)
}

/** Jensen–Shannon divergence (Lin, 1991), to base e unless said: 0 to ln 2, or 0 to 1 to base 2. */
export function jensenShannonDivergence(pair: SharePair, base = Math.E): number {
  const nats = summed(normalised(pair), (p, q) => {
    const middle = (p + q) / 2
    return (relativeEntropy(p, middle) + relativeEntropy(q, middle)) / 2
  })
  return Math.max(0, nats) / Math.log(base)
}

/** Its root, which is a distance. */
export function jensenShannonDistance(pair: SharePair, base = Math.E): number {
  return Math.sqrt(jensenShannonDivergence(pair, base))
}

/** Hellinger distance, √(1 − Σ √(pq)), from 0 to 1. */
export function hellingerDistance(pair: SharePair): number {
  return Math.sqrt(
    1 -
      Math.min(
        1,
        summed(pair, (p, q) => Math.sqrt(p * q)),
      ),
  )
}

/** Total variation distance, half the sum of the differences. */
export function totalVariationDistance(pair: SharePair): number {
  return summed(pair, (p, q) => Math.abs(p - q)) / 2
}

/** The largest difference of a bin's share: L∞, as NannyML and TensorFlow Data Validation call it. */
export function largestShareDifference(pair: SharePair): number {
  return pair.reference.reduce(
    (largest, p, index) => Math.max(largest, Math.abs(p - (pair.current[index] as number))),
    0,
  )
}

/** TensorFlow Data Validation's normalised absolute difference: the largest difference of counts over all rows of both. */
export function normalizedAbsoluteDifference(
  reference: readonly number[],
  current: readonly number[],
): number {
  const all = reference.reduce((sum, count, index) => sum + count + (current[index] as number), 0)
  const largest = reference.reduce(
    (most, count, index) => Math.max(most, Math.abs(count - (current[index] as number))),
    0,
  )
  return all === 0 ? 0 : largest / all
}

function normalised({ reference, current }: SharePair): SharePair {
  return { reference: sharesOf(reference), current: sharesOf(current) }
}

function relativeEntropy(p: number, q: number): number {
  return p === 0 ? 0 : p * Math.log(p / q)
}

function summed({ reference, current }: SharePair, term: (p: number, q: number) => number): number {
  invariant(reference.length === current.length, 'two distributions have the same bins')
  return reference.reduce((all, p, index) => all + term(p, current[index] as number), 0)
}
