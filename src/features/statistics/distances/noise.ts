/** How large two samples of one population are expected to look apart, from their sizes and bins alone. */
export interface Sizes {
  readonly reference: number
  readonly current: number
}

function inverseOf({ reference, current }: Sizes): number {
  return 1 / reference + 1 / current
}

/** Of the population stability index over this many bins in use. */
export function psiNoise(sizes: Sizes, bins: number): number {
  return Math.max(0, bins - 1) * inverseOf(sizes)
}

/** Of the Jensen–Shannon distance, to base e unless said. */
export function jensenShannonNoise(sizes: Sizes, bins: number, base = Math.E): number {
  return Math.sqrt((Math.max(0, bins - 1) / (8 * Math.log(base))) * inverseOf(sizes))
}

/** Of the Hellinger distance, whose square is the divergence's to first order. */
export function hellingerNoise(sizes: Sizes, bins: number): number {
  return jensenShannonNoise(sizes, bins)
}

/** Of the Kullback–Leibler divergence, in nats: half a chi-square. */
export function kullbackLeiblerNoise(sizes: Sizes, bins: number): number {
  return (Math.max(0, bins - 1) / 2) * inverseOf(sizes)
}

/** Of the largest gap between the distribution functions: the mean of Kolmogorov's distribution, √(π/2) ln 2. */
export function kolmogorovNoise(sizes: Sizes): number {
  return Math.sqrt(Math.PI / 2) * Math.LN2 * Math.sqrt(inverseOf(sizes))
}

/** Of the Wasserstein distance in standard deviations, for values that are about normal. */
export function wassersteinNoise(sizes: Sizes): number {
  return 1.29 * Math.sqrt(inverseOf(sizes))
}

/** Of the total variation distance: half the mean absolute normal deviation of each bin's difference. */
export function totalVariationNoise(sizes: Sizes, shares: readonly number[]): number {
  return shares.reduce(
    (all, share) => all + Math.sqrt((share * (1 - share) * inverseOf(sizes)) / (2 * Math.PI)),
    0,
  )
}

/** Of the largest difference of a bin's share: the mean of the largest of that many independent deviations, at most. */
export function largestDifferenceNoise(sizes: Sizes, shares: readonly number[]): number {
  const used = shares.filter((share) => share > 0 && share < 1)
  if (used.length === 0) return 0
  const widest = used.reduce((most, share) => Math.max(most, Math.sqrt(share * (1 - share))), 0)
  return widest * Math.sqrt(2 * Math.log(2 * used.length) * inverseOf(sizes))
}
