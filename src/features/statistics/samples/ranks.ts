import { invariant } from '#base/invariant'
import { normalSf, scaledBesselQuarter, logGamma } from '../distributions.ts'
import type { TestResult } from './kolmogorov.ts'
import { eachStep, type Sample } from './sample.ts'

/** Scholz and Stephens (1987), table 2, for two samples: critical values at these levels. */
const LEVELS = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001]
const CRITICAL = [
  0.675 - 0.245 - 0.105,
  1.281 + 0.25 - 0.305,
  1.645 + 0.678 - 0.362,
  1.96 + 1.149 - 0.391,
  2.326 + 1.822 - 0.396,
  2.573 + 2.364 - 0.345,
  3.085 + 3.615 - 0.154,
]

/**
 * Anderson–Darling test of two samples with midranks, normalised: Scholz and Stephens (1987). The p-value is a fit to
 * their table, so it never leaves 0.001 to 0.25. Undefined when all values are the same.
 */
export function andersonDarling(one: Sample, other: Sample): TestResult | undefined {
  const n = one.sorted.length
  const m = other.sorted.length
  const total = n + m
  invariant(n > 0 && m > 0, 'a sample has values')
  let sum = 0
  let distinct = 0
  eachStep(one, other, ({ oneBelow, otherBelow, oneAt, otherAt }) => {
    distinct++
    const at = oneAt + otherAt
    const rank = oneBelow + otherBelow + at / 2
    const weight = at / total / (rank * (total - rank) - (total * at) / 4)
    const first = total * (oneBelow + oneAt / 2) - rank * n
    const second = total * (otherBelow + otherAt / 2) - rank * m
    if (Number.isFinite(weight)) sum += weight * ((first * first) / n + (second * second) / m)
  })
  if (distinct < 2 || total < 4) return undefined
  const statistic = ((sum * (total - 1)) / total - 1) / Math.sqrt(andersonVariance(n, m))
  return { statistic, p: andersonP(statistic) }
}

function andersonVariance(n: number, m: number): number {
  const total = n + m
  const inverse = 1 / n + 1 / m
  let harmonic = 0
  let g = 0
  for (let i = 1; i <= total - 2; i++) {
    harmonic += 1 / (total - i)
    g += harmonic / (i + 1)
  }
  const h = harmonic + 1
  const a = 4 * g - 6 + (10 - 6 * g) * inverse
  const b = (2 * g - 4) * 4 + 16 * h + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6
  const c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * inverse + 4 * h
  const d = (2 * h + 6) * 4 - 8 * h
  const cubic = ((a * total + b) * total + c) * total + d
  return cubic / ((total - 1) * (total - 2) * (total - 3))
}

/** ln p as the least-squares parabola through the table. */
function andersonP(statistic: number): number {
  if (statistic < (CRITICAL[0] as number)) return LEVELS[0] as number
  if (statistic > (CRITICAL.at(-1) as number)) return LEVELS.at(-1) as number
  const [constant, slope, bend] = parabola(CRITICAL, LEVELS.map(Math.log))
  return Math.exp(constant + (slope + bend * statistic) * statistic)
}

function parabola(xs: readonly number[], ys: readonly number[]): [number, number, number] {
  const moment = (power: number) => xs.reduce((all, x) => all + x ** power, 0)
  const mixed = (power: number) =>
    xs.reduce((all, x, index) => all + x ** power * (ys[index] as number), 0)
  const s = [0, 1, 2, 3, 4].map(moment) as [number, number, number, number, number]
  const t = [0, 1, 2].map(mixed) as [number, number, number]
  const all = determinant([s[0], s[1], s[2]], [s[1], s[2], s[3]], [s[2], s[3], s[4]])
  return [
    determinant([t[0], s[1], s[2]], [t[1], s[2], s[3]], [t[2], s[3], s[4]]) / all,
    determinant([s[0], t[0], s[2]], [s[1], t[1], s[3]], [s[2], t[2], s[4]]) / all,
    determinant([s[0], s[1], t[0]], [s[1], s[2], t[1]], [s[2], s[3], t[2]]) / all,
  ]
}

type Row = [number, number, number]

function determinant(a: Row, b: Row, c: Row): number {
  return (
    a[0] * (b[1] * c[2] - b[2] * c[1]) -
    a[1] * (b[0] * c[2] - b[2] * c[0]) +
    a[2] * (b[0] * c[1] - b[1] * c[0])
  )
}

/** Up to this size the p-value of Cramér–von Mises is counted, as SciPy does it. */
const CRAMER_EXACT_MAX = 20

/**
 * Two-sample Cramér–von Mises (Anderson, 1962): exact p-value up to 20 values a side (Xiao, Gordon and Yakovlev,
 * 2006), its limit beyond. Undefined with fewer than two values on a side.
 */
export function cramerVonMises(one: Sample, other: Sample): TestResult | undefined {
  const n = one.sorted.length
  const m = other.sorted.length
  if (n < 2 || m < 2) return undefined
  let [first, second] = [0, 0]
  eachStep(one, other, ({ oneBelow, otherBelow, oneAt, otherAt }) => {
    const rank = oneBelow + otherBelow + (oneAt + otherAt + 1) / 2
    for (let i = 1; i <= oneAt; i++) first += (rank - oneBelow - i) ** 2
    for (let i = 1; i <= otherAt; i++) second += (rank - otherBelow - i) ** 2
  })
  const u = n * first + m * second
  const [product, total] = [n * m, n + m]
  const statistic = u / (product * total) - (4 * product - 1) / (6 * total)
  if (Math.max(n, m) <= CRAMER_EXACT_MAX) return { statistic, p: cramerExactP(u, n, m) }
  const expected = (1 + 1 / total) / 6
  const variance =
    ((total + 1) * (4 * product * total - 3 * (n * n + m * m) - 2 * product)) /
    (45 * total * total * 4 * product)
  return { statistic, p: cramerLimitSf(1 / 6 + (statistic - expected) / Math.sqrt(45 * variance)) }
}

/** P(T > t) in the limit: Csörgő and Faraway (1996), 1.2. */
function cramerLimitSf(t: number): number {
  // Below, the distribution function is under 1e-17.
  if (t < 0.003) return 1
  let cdf = 0
  for (let k = 0; ; k++) {
    const y = 4 * k + 1
    const q = (y * y) / (16 * t)
    const weight = Math.exp(logGamma(k + 0.5) - logGamma(k + 1)) / (Math.PI ** 1.5 * Math.sqrt(t))
    const term = weight * Math.sqrt(y) * Math.exp(-2 * q) * scaledBesselQuarter(q)
    cdf += term
    if (term < 1e-7) return Math.max(0, 1 - cdf)
  }
}

/** Counts all arrangements by their statistic, row by row of the lattice. */
function cramerExactP(u: number, n: number, m: number): number {
  const lcm = (n * m) / gcd(n, m)
  const [a, b] = [lcm / n, lcm / m]
  const product = n * m
  const limit = Math.floor(
    (lcm ** 2 * (n + m) * (6 * u - product * (4 * product - 1))) / (6 * product ** 2),
  )
  let row: Map<number, number>[] = Array.from({ length: n + 1 }, () => new Map<number, number>())
  row[0]?.set(0, 1)
  for (let y = 0; y <= m; y++) {
    let before = new Map<number, number>()
    row = row.map((above, x) => {
      const cost = (a * x - b * y) ** 2
      const next = new Map<number, number>()
      for (const counts of [before, above])
        for (const [value, count] of counts)
          next.set(value + cost, (next.get(value + cost) ?? 0) + count)
      before = next
      return next
    })
  }
  let [extreme, all] = [0, 0]
  for (const [value, count] of row[n] ?? []) {
    all += count
    if (value >= limit) extreme += count
  }
  return extreme / all
}

function gcd(one: number, other: number): number {
  return other === 0 ? one : gcd(other, one % other)
}

export type Alternative = 'two-sided' | 'less' | 'greater'

/** Beyond this many pairs exact counting costs more than it tells. */
const MANN_WHITNEY_EXACT_PAIRS_MAX = 100_000

/**
 * Mann–Whitney U (1947) of the first sample; `less` asks whether the first tends to be smaller. Exact where a side
 * has at most eight values and nothing is tied, else normal with corrections for ties and continuity, as SciPy.
 */
export function mannWhitney(
  one: Sample,
  other: Sample,
  alternative: Alternative = 'two-sided',
): TestResult {
  const n = one.sorted.length
  const m = other.sorted.length
  invariant(n > 0 && m > 0, 'a sample has values')
  let [rankSum, tied] = [0, 0]
  eachStep(one, other, ({ oneBelow, otherBelow, oneAt, otherAt }) => {
    const at = oneAt + otherAt
    rankSum += oneAt * (oneBelow + otherBelow + (at + 1) / 2)
    tied += at * at * at - at
  })
  const statistic = rankSum - (n * (n + 1)) / 2
  const rest = n * m - statistic
  const u =
    alternative === 'greater'
      ? statistic
      : alternative === 'less'
        ? rest
        : Math.max(statistic, rest)
  const exact = Math.min(n, m) <= 8 && tied === 0 && n * m <= MANN_WHITNEY_EXACT_PAIRS_MAX
  const tail = exact ? mannWhitneyExactSf(u, n, m) : mannWhitneyNormalSf(u, { n, m, tied })
  return { statistic, p: Math.min(1, alternative === 'two-sided' ? 2 * tail : tail) }
}

function mannWhitneyNormalSf(
  u: number,
  { n, m, tied }: { n: number; m: number; tied: number },
): number {
  const total = n + m
  const deviation = Math.sqrt(((n * m) / 12) * (total + 1 - tied / (total * (total - 1))))
  // All values tied: nothing is extreme.
  if (!(deviation > 0)) return 1
  return normalSf((u - (n * m) / 2 - 0.5) / deviation)
}

/** P(U ≥ u): the counts are the coefficients of a Gaussian binomial, multiplied out factor by factor. */
function mannWhitneyExactSf(u: number, n: number, m: number): number {
  const shares = new Float64Array(n * m + 1)
  shares[0] = 1
  const [small, large] = [Math.min(n, m), Math.max(n, m)]
  for (let i = 1; i <= small; i++) {
    for (let at = shares.length - 1; at >= large + i; at--)
      shares[at] = (shares[at] as number) - (shares[at - large - i] as number)
    for (let at = i; at < shares.length; at++)
      shares[at] = (shares[at] as number) + (shares[at - i] as number)
  }
  let [tail, all] = [0, 0]
  for (const [at, share] of shares.entries()) {
    all += share
    if (at >= u) tail += share
  }
  return tail / all
}
