/** An estimate with the bounds between which the truth lies with 95 % confidence. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

const Z = 1.959963984540054

/** A share with Wilson's interval (1927), which holds for few rows and for shares near 0 and 1 as well. */
export function shareOf(count: number, rows: number): Estimate {
  if (rows === 0) return { value: 0, low: 0, high: 1 }
  const share = count / rows
  const scale = 1 + Z ** 2 / rows
  const middle = (share + Z ** 2 / (2 * rows)) / scale
  const half = (Z / scale) * Math.sqrt((share * (1 - share)) / rows + Z ** 2 / (4 * rows ** 2))
  return {
    value: share,
    low: count === 0 ? 0 : Math.max(0, middle - half),
    high: count === rows ? 1 : Math.min(1, middle + half),
  }
}

/** Quantiles by linear interpolation, as numpy has them by default; of no values there are none. */
export function quantilesOf(values: readonly number[], at: readonly number[]): number[] {
  if (values.length === 0) return []
  const sorted = Float64Array.from(values).toSorted()
  return at.map((share) => {
    const place = share * (sorted.length - 1)
    const below = sorted[Math.floor(place)] as number
    const above = sorted[Math.ceil(place)] as number
    return below + (above - below) * (place - Math.floor(place))
  })
}

/** A difference between two models on the same rows. */
export interface Compared {
  readonly candidate: number
  readonly live: number
  readonly difference: Estimate
}

/**
 * The means of a term of each row, for both, with the interval of their difference by resampling rows (the
 * percentile bootstrap): rows are drawn together for both, for they are the same rows.
 */
export function comparedMeans(
  terms: { readonly candidate: readonly number[]; readonly live: readonly number[] },
  {
    draw,
    resamples = 500,
    of = (mean) => mean,
  }: { draw: () => number; resamples?: number; of?: (mean: number) => number },
): Compared {
  const { candidate, live } = terms
  const rows = candidate.length
  const values = (indexAt: (place: number) => number) => {
    let one = 0
    let other = 0
    for (let place = 0; place < rows; place += 1) {
      const index = indexAt(place)
      one += candidate[index] as number
      other += live[index] as number
    }
    return [of(one / rows), of(other / rows)] as const
  }
  const [one, other] = values((place) => place)
  const drawn = Array.from({ length: resamples }, () => {
    const [first, second] = values(() => Math.floor(draw() * rows))
    return first - second
  })
  const [low = 0, high = 0] = quantilesOf(drawn, [0.025, 0.975])
  return { candidate: one, live: other, difference: { value: one - other, low, high } }
}
