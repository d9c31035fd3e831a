/** Tables as likely as the one seen but for rounding count as as extreme. */
const TIE = 1 + 1e-9

/** Fisher's exact two-sided p-value (1922) of the table [[a, b], [c, d]]: all tables that are no likelier than it. */
export function fisherExact(
  one: { hits: number; of: number },
  other: { hits: number; of: number },
): number {
  const hits = one.hits + other.hits
  const low = Math.max(0, hits - other.of)
  const high = Math.min(hits, one.of)
  if (low === high) return 1
  // Each table's likelihood by its ratio to its neighbour's, from the likeliest, whose is 1.
  const up = (x: number) => ((hits - x) * (one.of - x)) / ((x + 1) * (other.of - hits + x + 1))
  const mode = Math.min(
    high,
    Math.max(low, Math.floor(((hits + 1) * (one.of + 1)) / (one.of + other.of + 2))),
  )
  const likelihoods = [{ x: mode, value: 1 }]
  for (let x = mode, value = 1; x < high && value > 0; x++)
    likelihoods.push({ x: x + 1, value: (value *= up(x)) })
  for (let x = mode, value = 1; x > low && value > 0; x--)
    likelihoods.push({ x: x - 1, value: (value /= up(x - 1)) })
  const seen = likelihoods.find(({ x }) => x === one.hits)?.value ?? 0
  let [extreme, all] = [0, 0]
  for (const { value } of likelihoods.toSorted((left, right) => left.value - right.value)) {
    all += value
    if (value <= seen * TIE) extreme += value
  }
  return Math.min(1, extreme / all)
}
