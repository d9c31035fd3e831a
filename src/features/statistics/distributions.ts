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

/** P(K > x) of Kolmogorov's limiting distribution. */
export function kolmogorovSf(x: number): number {
  return x <= 0 ? 1 : cephes().kolmogorov(x)
}
