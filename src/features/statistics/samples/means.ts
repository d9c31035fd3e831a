import { studentTwoSided } from '../distributions.ts'
import type { TestResult } from './kolmogorov.ts'
import { meanOf, varianceOf, type Sample } from './sample.ts'

/** Student's two-sided t test of two means with a pooled variance (1908). Undefined with fewer than three values in all. */
export function studentT(one: Sample, other: Sample): TestResult | undefined {
  const n = one.sorted.length
  const m = other.sorted.length
  if (n === 0 || m === 0 || n + m < 3) return undefined
  const freedom = n + m - 2
  const squares = varianceOf(one, 0) * n + varianceOf(other, 0) * m
  return compared(one, other, { error: Math.sqrt((squares / freedom) * (1 / n + 1 / m)), freedom })
}

/** Welch's two-sided t test (1947): as Student's, but each sample has a variance of its own. Undefined with fewer than two values on a side. */
export function welchT(one: Sample, other: Sample): TestResult | undefined {
  const n = one.sorted.length
  const m = other.sorted.length
  if (n < 2 || m < 2) return undefined
  const first = varianceOf(one, 1) / n
  const second = varianceOf(other, 1) / m
  const all = first + second
  const freedom = all === 0 ? 1 : all ** 2 / (first ** 2 / (n - 1) + second ** 2 / (m - 1))
  return compared(one, other, { error: Math.sqrt(all), freedom })
}

function compared(
  one: Sample,
  other: Sample,
  { error, freedom }: { error: number; freedom: number },
): TestResult {
  const difference = meanOf(one) - meanOf(other)
  // Two constants: the same is no finding, and others are a certain one.
  if (error === 0)
    return difference === 0
      ? { statistic: 0, p: 1 }
      : { statistic: Math.sign(difference) * Infinity, p: 0 }
  const statistic = difference / error
  return { statistic, p: studentTwoSided(statistic, freedom) }
}
