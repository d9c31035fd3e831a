import { chiSquareSf } from '../distributions.ts'
import { eigenOf } from '../linear.ts'
import type { TestResult } from './kolmogorov.ts'
import { pooled, quantileOf, type Sample } from './sample.ts'

/** The points at which the characteristic functions are compared, in semi-interquartile ranges. */
const POINTS = [0.4, 0.8]

/**
 * Epps and Singleton's test (1986) on the empirical characteristic functions: it sees differences of shape that rank
 * tests miss, and ties do not hurt it. Undefined with fewer than five values on a side or no interquartile range.
 */
export function eppsSingleton(one: Sample, other: Sample): TestResult | undefined {
  const n = one.sorted.length
  const m = other.sorted.length
  if (n < 5 || m < 5) return undefined
  const all = pooled(one, other)
  const sigma = (quantileOf(all, 0.75) - quantileOf(all, 0.25)) / 2
  if (sigma === 0) return undefined
  const points = POINTS.map((point) => point / sigma)
  const first = waves(one, points)
  const second = waves(other, points)
  const total = n + m
  const covariance = first.covariance.map((row, i) =>
    row.map(
      (value, j) => (total / n) * value + (total / m) * (second.covariance[i]?.[j] as number),
    ),
  )
  const difference = first.means.map((mean, index) => mean - (second.means[index] as number))
  const { value, rank } = inverseForm(covariance, difference)
  const small = Math.max(n, m) < 25 ? 1 / (1 + total ** -0.45 + 10.1 * (n ** -1.7 + m ** -1.7)) : 1
  const statistic = total * value * small
  return rank === 0 ? { statistic: 0, p: 1 } : { statistic, p: chiSquareSf(statistic, rank) }
}

/** Means and population covariance of the cosines and sines at the points. */
function waves(
  { sorted }: Sample,
  points: readonly number[],
): { means: Float64Array; covariance: Float64Array[] } {
  const size = points.length * 2
  const rows = (value: number) => {
    const angles = points.map((point) => point * value)
    return [...angles.map(Math.cos), ...angles.map(Math.sin)]
  }
  const means = new Float64Array(size)
  for (const value of sorted)
    for (const [index, wave] of rows(value).entries())
      means[index] = (means[index] as number) + wave
  for (const index of means.keys()) means[index] = (means[index] as number) / sorted.length
  const covariance = Array.from({ length: size }, () => new Float64Array(size))
  for (const value of sorted) {
    const centred = rows(value).map((wave, index) => wave - (means[index] as number))
    for (const [i, row] of covariance.entries())
      for (let j = 0; j < size; j++)
        row[j] =
          (row[j] as number) + ((centred[i] as number) * (centred[j] as number)) / sorted.length
  }
  return { means, covariance }
}

/** vᵀ A⁻¹ v with the pseudo-inverse, and the rank of A. */
function inverseForm(
  matrix: readonly Float64Array[],
  vector: Float64Array,
): { value: number; rank: number } {
  const { values, vectors } = eigenOf(matrix)
  const least = (values[0] as number) * 1e-15
  let [value, rank] = [0, 0]
  for (const [index, eigenvalue] of values.entries()) {
    if (eigenvalue <= least) continue
    rank++
    const along = vector.reduce((all, each, at) => all + each * (vectors[index]?.[at] as number), 0)
    value += (along * along) / eigenvalue
  }
  return { value, rank }
}
