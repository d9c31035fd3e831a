import { latencyEdgeMs } from '#inference'

/** How long answers took: counts by the bins of `latencyBin`. */
export interface Latencies {
  readonly total: number
  /** Bin and count, in the order of the bins. */
  readonly bins: readonly (readonly [bin: number, count: number])[]
}

export const NO_LATENCIES: Latencies = { total: 0, bins: [] }

export function addLatencies(one: Latencies, other: Latencies): Latencies {
  if (one.total === 0) return other
  if (other.total === 0) return one
  const counts = new Map(one.bins)
  for (const [bin, count] of other.bins) counts.set(bin, (counts.get(bin) ?? 0) + count)
  return {
    total: one.total + other.total,
    bins: [...counts].toSorted(([first], [second]) => first - second),
  }
}

/** How many surely took longer than a limit: those whose bin begins at it or above it. */
export function slowerThan({ bins }: Latencies, limitMs: number): number {
  let slower = 0
  for (const [bin, count] of bins) if (latencyEdgeMs(bin) >= limitMs) slower += count
  return slower
}

/** Between which times the answer of a rank lies, counted from 1, the fastest. */
export function rankAt(
  { bins }: Latencies,
  rank: number,
): { readonly lowerMs: number; readonly upperMs: number } {
  let passed = 0
  let last = 0
  for (const [bin, count] of bins) {
    passed += count
    last = bin
    if (passed >= rank) break
  }
  return { lowerMs: latencyEdgeMs(last), upperMs: latencyEdgeMs(last + 1) }
}

/** The quantile as it was observed, to the width of a bin; `null` without answers. */
export function quantileMs(latencies: Latencies, quantile: number): number | null {
  if (latencies.total === 0) return null
  const { lowerMs, upperMs } = rankAt(latencies, Math.ceil(quantile * latencies.total))
  return (lowerMs + upperMs) / 2
}
