import { createRequire } from 'node:module'
import type * as Cephes from 'cephes' with { 'resolution-mode': 'require' }
import { invariant } from '#base/invariant'
import { messageOf } from '#base/problem'

// The C library that SciPy's own special functions come from, as WebAssembly. Its CommonJS form is
// ready at once, so it is loaded at first use: a server that judges nothing does not pay for it.
let library: typeof Cephes | undefined

function cephes(): typeof Cephes {
  library ??= createRequire(import.meta.url)('cephes') as typeof Cephes
  return library
}

/** P(Z ≤ z) of the standard normal distribution. */
export function normalCdf(z: number): number {
  return cephes().ndtr(z)
}

/** P(Z > z): exact in the far tail, where 1 − cdf is 0. */
export function normalSf(z: number): number {
  return cephes().ndtr(-z)
}

/** The z with P(Z ≤ z) = p. */
export function normalQuantile(p: number): number {
  invariant(p > 0 && p < 1, 'a quantile lies between 0 and 1')
  return cephes().ndtri(p)
}

/** P(X > x) of the chi-square distribution. */
export function chiSquareSf(x: number, degreesOfFreedom: number): number {
  invariant(degreesOfFreedom > 0 && x >= 0, 'chi-square needs degrees of freedom and x ≥ 0')
  if (x === 0) return 1
  try {
    return cephes().igamc(degreesOfFreedom / 2, x / 2)
  } catch (error) {
    // It complains where the answer is nearer to 0 or 1 than a double can say.
    if (!messageOf(error).includes('underflow')) throw error
    return x > degreesOfFreedom ? 0 : 1
  }
}

/** P(|T| > |t|) of Student's distribution. */
export function studentTwoSided(t: number, degreesOfFreedom: number): number {
  invariant(degreesOfFreedom > 0, "Student's distribution needs degrees of freedom")
  if (!Number.isFinite(t)) return Number.isNaN(t) ? t : 0
  if (t === 0) return 1
  return cephes().incbet(degreesOfFreedom / 2, 0.5, degreesOfFreedom / (degreesOfFreedom + t * t))
}

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  return cephes().lgam(x)
}

/** ln(n! / nⁿ). */
export function logFactorialRatio(n: number): number {
  return cephes().lgam(n + 1) - n * Math.log(n)
}

/** Up to this many values the one-sided statistic is summed; its first-order limit is as exact beyond. */
const ONE_SIDED_SUM_MAX = 100_000

/**
 * P(D⁺ ≥ d) of the one-sided Kolmogorov–Smirnov statistic for n values: Birnbaum and Tingey's sum (1951), and
 * beyond 100,000 values Smirnov's limit with the correction of Maag and Dicaire (1971) and the next term of the rate
 * at which large deviations become rare.
 */
export function kolmogorovOneSidedSf(n: number, d: number): number {
  if (n <= ONE_SIDED_SUM_MAX) return cephes().smirnov(n, d)
  return Math.exp(-((6 * n * d + 1) ** 2) / (18 * n) - (4 / 9) * n * d ** 4)
}

/** K of order 1/4 times eˣ, the modified Bessel function of the second kind, for x > 0: its integral by trapezoids. */
export function scaledBesselQuarter(x: number): number {
  // The integrand falls faster than any exponential, which is where trapezoids are exact to the last digit.
  const step = 1 / 32
  let sum = 0.5
  for (let k = 1; ; k++) {
    const t = k * step
    const term = Math.exp(-x * (Math.cosh(t) - 1)) * Math.cosh(t / 4)
    sum += term
    if (term < 1e-18 * sum) return sum * step
  }
}
