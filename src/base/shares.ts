import { invariant } from './invariant.ts'

/** Distances between two distributions over the same bins. Counts are given; their shares are compared. */
type Counts = readonly number[]

/** A bin that one side never hit counts as this share, so that the population stability index stays finite. */
const SHARE_MIN = 1e-4

/** Population stability index: Σ (p − q) ln(p / q). */
export function psi(reference: Counts, current: Counts): number {
  const [p, q] = shares(reference, current)
  return sum(p, (index) => {
    const left = Math.max(p[index] as number, SHARE_MIN)
    const right = Math.max(q[index] as number, SHARE_MIN)
    return (left - right) * Math.log(left / right)
  })
}

/** Jensen–Shannon distance to base 2, from 0 to 1. */
export function jensenShannon(reference: Counts, current: Counts): number {
  const [p, q] = shares(reference, current)
  const divergence = sum(p, (index) => {
    const left = p[index] as number
    const right = q[index] as number
    const middle = (left + right) / 2
    return (relativeEntropy(left, middle) + relativeEntropy(right, middle)) / 2
  })
  return Math.sqrt(Math.max(0, divergence))
}

/** Hellinger distance, from 0 to 1. */
export function hellinger(reference: Counts, current: Counts): number {
  const [p, q] = shares(reference, current)
  const squares = sum(
    p,
    (index) => (Math.sqrt(p[index] as number) - Math.sqrt(q[index] as number)) ** 2,
  )
  return Math.sqrt(squares / 2)
}

/** Total variation distance: half the sum of the differences, from 0 to 1. */
export function totalVariation(reference: Counts, current: Counts): number {
  const [p, q] = shares(reference, current)
  return sum(p, (index) => Math.abs((p[index] as number) - (q[index] as number))) / 2
}

/** The largest difference of any bin's share. */
export function largestDifference(reference: Counts, current: Counts): number {
  const [p, q] = shares(reference, current)
  return Math.max(...p.map((share, index) => Math.abs(share - (q[index] as number))))
}

function shares(reference: Counts, current: Counts): [number[], number[]] {
  invariant(reference.length === current.length, 'two distributions have the same bins')
  return [shareOf(reference), shareOf(current)]
}

function shareOf(counts: Counts): number[] {
  const total = counts.reduce((all, count) => all + count, 0)
  invariant(total > 0, 'a distribution counts something')
  return counts.map((count) => count / total)
}

function relativeEntropy(share: number, other: number): number {
  return share === 0 ? 0 : share * Math.log2(share / other)
}

function sum(bins: Counts, term: (index: number) => number): number {
  return bins.reduce((all, _, index) => all + term(index), 0)
}
