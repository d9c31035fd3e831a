import { invariant } from '#base/invariant'
import { chiSquareSf, normalQuantile, normalSf } from './distributions.ts'

/** Chi-square of a 2 × k contingency table without Yates' correction; bins that both sides missed are left out. */
export function chiSquareContingency(
  one: readonly number[],
  other: readonly number[],
): { statistic: number; degreesOfFreedom: number; p: number } {
  invariant(one.length === other.length, 'both rows of a table have the same columns')
  const n = total(one)
  const m = total(other)
  invariant(n > 0 && m > 0, 'each row of a table counts something')
  let statistic = 0
  let used = 0
  for (const [index, count] of one.entries()) {
    const column = count + (other[index] as number)
    if (column === 0) continue
    used++
    const expected = (column * n) / (n + m)
    // Both rows differ from what is expected by the same amount.
    statistic += (count - expected) ** 2 * (1 / expected + 1 / (column - expected))
  }
  const degreesOfFreedom = used - 1
  const p = degreesOfFreedom === 0 ? 1 : chiSquareSf(statistic, degreesOfFreedom)
  return { statistic, degreesOfFreedom, p }
}

/** Two-sided z test that two shares are the same, with the pooled share's variance. */
export function twoProportions(
  one: { hits: number; of: number },
  other: { hits: number; of: number },
): { z: number; p: number } {
  const pooled = (one.hits + other.hits) / (one.of + other.of)
  const variance = pooled * (1 - pooled) * (1 / one.of + 1 / other.of)
  if (variance === 0) return { z: 0, p: 1 }
  const z = (one.hits / one.of - other.hits / other.of) / Math.sqrt(variance)
  return { z, p: Math.min(1, 2 * normalSf(Math.abs(z))) }
}

/** Wilson's interval of a share (1927). */
export function wilson(hits: number, of: number, confidence = 0.95): { low: number; high: number } {
  invariant(of > 0 && hits >= 0 && hits <= of, 'a share is of something')
  const z = normalQuantile(1 - (1 - confidence) / 2)
  const share = hits / of
  const centre = share + z ** 2 / (2 * of)
  const half = z * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2))
  const scale = 1 + z ** 2 / of
  return {
    low: hits === 0 ? 0 : (centre - half) / scale,
    high: hits === of ? 1 : (centre + half) / scale,
  }
}

/** P-values adjusted by Benjamini and Hochberg (1995), in the order given: each at most q is a discovery. */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  const adjusted = ps.map(() => 1)
  const largestFirst = ps.map((_, index) => index).toSorted((i, j) => at(ps, j) - at(ps, i))
  let least = 1
  for (const [position, index] of largestFirst.entries()) {
    least = Math.min(least, (at(ps, index) * ps.length) / (ps.length - position))
    adjusted[index] = least
  }
  return adjusted
}

function at(values: readonly number[], index: number): number {
  return values[index] as number
}

function total(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0)
}
