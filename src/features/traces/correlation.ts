/** How often two filters match, alone and together. */
export interface Counts {
  readonly first: number
  readonly second: number
  readonly both: number
  readonly all: number
}

/** Normalised pointwise mutual information, from -1 (never together) over 0 to 1 (always together). */
export interface Correlation extends Counts {
  readonly npmi: number
  /** The same with half an observation more in each cell, which few traces do not throw about. */
  readonly smoothed: number
}

export function correlationOf(counts: Counts): Correlation {
  const { first, second, both, all } = counts
  const cells = [both, first - both, second - both, all - first - second + both] as const
  if (all <= 0 || first === 0 || second === 0 || cells.some((count) => count < 0))
    return { ...counts, npmi: Number.NaN, smoothed: Number.NaN }
  return {
    ...counts,
    npmi: both === 0 ? -1 : npmiOf(cells, 0),
    smoothed: npmiOf(cells, 0.5),
  }
}

function npmiOf(cells: readonly [number, number, number, number], added: number): number {
  const [both, onlyFirst, onlySecond, neither] = cells.map((count) => count + added) as [
    number,
    number,
    number,
    number,
  ]
  // Always together, whatever is added.
  if (cells[1] === 0 && cells[2] === 0 && cells[3] === 0) return 1
  const all = both + onlyFirst + onlySecond + neither
  const [first, second] = [both + onlyFirst, both + onlySecond]
  const mutual = Math.log(both) + Math.log(all) - Math.log(first) - Math.log(second)
  return Math.max(-1, Math.min(1, mutual / -(Math.log(both) - Math.log(all))))
}
