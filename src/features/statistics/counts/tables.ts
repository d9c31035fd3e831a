import { invariant } from '#base/invariant'
import { chiSquareSf } from '../distributions.ts'

export interface TableTest {
  readonly statistic: number
  readonly degreesOfFreedom: number
  readonly p: number
}

/** Chi-square of a 2 × k contingency table without Yates' correction; bins that both sides missed are left out. */
export function chiSquareContingency(one: readonly number[], other: readonly number[]): TableTest {
  // Both rows differ from what is expected by the same amount.
  return contingency(
    one,
    other,
    (count, expected, rest) => (count - expected) ** 2 * (1 / expected + 1 / rest),
  )
}

/** The same table by the likelihood ratio: the G test (Woolf, 1957). */
export function gContingency(one: readonly number[], other: readonly number[]): TableTest {
  return contingency(one, other, (count, expected, rest) => {
    const left = count === 0 ? 0 : count * Math.log(count / expected)
    const column = expected + rest
    const right = column === count ? 0 : (column - count) * Math.log((column - count) / rest)
    return 2 * (left + right)
  })
}

/** What a column gives to the statistic: the first row's count, what is expected of it and of the second row. */
type Cell = (count: number, expected: number, rest: number) => number

function contingency(one: readonly number[], other: readonly number[], cell: Cell): TableTest {
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
    statistic += cell(count, expected, column - expected)
  }
  return tested(Math.max(0, statistic), used - 1)
}

/**
 * Pearson's chi-square of goodness of fit (1900): the reference's counts, scaled to the current ones, are taken for
 * the truth. A category that the reference has not makes it infinite.
 */
export function chiSquareGoodness(
  reference: readonly number[],
  current: readonly number[],
): TableTest {
  return goodness(reference, current, (observed, expected) => (observed - expected) ** 2 / expected)
}

/** The same by the likelihood ratio, 2 Σ O ln(O / E). */
export function gGoodness(reference: readonly number[], current: readonly number[]): TableTest {
  return goodness(reference, current, (observed, expected) =>
    observed === 0 ? 0 : 2 * observed * Math.log(observed / expected),
  )
}

function goodness(
  reference: readonly number[],
  current: readonly number[],
  term: (observed: number, expected: number) => number,
): TableTest {
  invariant(reference.length === current.length, 'both rows of a table have the same columns')
  const scale = total(current) / total(reference)
  let statistic = 0
  let used = 0
  for (const [index, count] of reference.entries()) {
    const observed = current[index] as number
    if (count === 0 && observed === 0) continue
    used++
    statistic += term(observed, count * scale)
  }
  return tested(statistic, used - 1)
}

/** Cramér's V (1946): the strength of what a 2 × k table shows, from 0 to 1, whatever its size. */
export function cramersV(one: readonly number[], other: readonly number[]): number {
  const { statistic, degreesOfFreedom } = chiSquareContingency(one, other)
  return degreesOfFreedom === 0 ? 0 : Math.sqrt(statistic / (total(one) + total(other)))
}

function tested(statistic: number, degreesOfFreedom: number): TableTest {
  if (degreesOfFreedom <= 0) return { statistic, degreesOfFreedom: 0, p: 1 }
  const p = statistic === Infinity ? 0 : chiSquareSf(statistic, degreesOfFreedom)
  return { statistic, degreesOfFreedom, p }
}

function total(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0)
}
