import { invariant } from '#base/invariant'
import { kolmogorovOneSampleSf } from './kolmogorov-limit.ts'
import { eachStep, type Sample } from './sample.ts'

/** What a test says: its statistic, and how likely one at least as extreme is by chance. */
export interface TestResult {
  readonly statistic: number
  readonly p: number
}

/** Where neither sample is larger than this the p-value is counted exactly, as SciPy does it. */
const EXACT_SIZE_MAX = 10_000

/**
 * Two-sample Kolmogorov–Smirnov, two-sided: the largest gap between the distribution functions. The p-value is exact
 * for samples up to 10,000 (Hodges, 1958) and that of the one-sample statistic for nm / (n + m) values beyond.
 */
export function kolmogorovSmirnov(one: Sample, other: Sample): TestResult {
  const n = one.sorted.length
  const m = other.sorted.length
  const statistic = largestGap(one, other)
  if (Math.max(n, m) > EXACT_SIZE_MAX)
    return { statistic, p: kolmogorovOneSampleSf(Math.round((n * m) / (n + m)), statistic) }
  const p = n === m ? outsideSquare(n, Math.round(statistic * n)) : outsideBand(n, m, statistic)
  return { statistic, p: Math.min(1, p) }
}

function largestGap(one: Sample, other: Sample): number {
  const n = one.sorted.length
  const m = other.sorted.length
  invariant(n > 0 && m > 0, 'a sample has values')
  let largest = 0
  eachStep(one, other, ({ oneBelow, otherBelow, oneAt, otherAt }) => {
    const gap = Math.abs((oneBelow + oneAt) / n - (otherBelow + otherAt) / m)
    if (gap > largest) largest = gap
  })
  return largest
}

/** Share of the lattice paths to (n, n) that come h or more away from the diagonal: Gnedenko and Korolyuk (1951). */
function outsideSquare(n: number, h: number): number {
  if (h === 0) return 1
  let nested = 0
  for (let k = Math.floor(n / h); k >= 0; k--) {
    let term = 1
    for (let j = 0; j < h; j++) term *= (n - k * h - j) / (n + k * h + j + 1)
    nested = term * (1 - nested)
  }
  return 2 * nested
}

/**
 * Share of the lattice paths from (0, 0) to (n, m) that leave the band |x/n − y/m| < d: Hodges (1958), ties as if
 * there were none. Each cell holds the share of the paths to it that have left; only cells within the band are
 * walked, for outside of it the share is 1.
 */
function outsideBand(n: number, m: number, d: number): number {
  const edge = d * n * m - 0.5
  if (edge < 0) return 1
  const left = new Float64Array(m + 1).fill(1)
  for (let x = 0; x <= n; x++) {
    const from = Math.max(0, Math.floor((x * m - edge) / n) + 1)
    const to = Math.min(m, Math.ceil((x * m + edge) / n) - 1)
    // What the row before had below this row's band has left it by now.
    if (from > 0) left[from - 1] = 1
    for (let y = from; y <= to; y++) {
      const total = x + y
      left[y] =
        total === 0
          ? 0
          : ((x === 0 ? 0 : (left[y] as number) * x) +
              (y === 0 ? 0 : (left[y - 1] as number) * y)) /
            total
    }
  }
  return left[m] as number
}
