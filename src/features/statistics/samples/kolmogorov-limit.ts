import { kolmogorovOneSidedSf, logFactorialRatio } from '../distributions.ts'

/**
 * P(D > d) of the two-sided one-sample Kolmogorov–Smirnov statistic for n values, by the choice of methods of Simard
 * and L'Ecuyer (2011): each where it is exact enough and fast enough.
 */
export function kolmogorovOneSampleSf(n: number, d: number): number {
  if (d >= 1) return 0
  const t = n * d
  if (t <= 0.5) return 1
  // Ruben and Gambino (1982): near the ends the distribution has a closed form.
  if (t <= 1) return clipped(1 - Math.exp(logFactorialRatio(n) + n * Math.log(2 * t - 1)))
  if (t >= n - 1) return clipped(2 * (1 - d) ** n)
  const square = t * d
  if (d >= 0.5 || square >= (n <= 140 ? 4 : 2.2))
    return square >= 370 ? 0 : clipped(2 * kolmogorovOneSidedSf(n, d))
  if (n <= 140 || (n <= 100_000 && t * Math.sqrt(d) <= 1.4)) return clipped(1 - durbin(n, d))
  return clipped(1 - pelzGood(n, d))
}

const SCALE = 2 ** 128

/** P(D ≤ d) by powers of Durbin's matrix (1968), as Marsaglia, Tsang and Wang (2003) arrange it. */
function durbin(n: number, d: number): number {
  const k = Math.ceil(n * d)
  const size = 2 * k - 1
  const matrix = durbinMatrix(size, k - n * d)
  let power: Scaled = { cells: identity(size), exponent: 0 }
  let base: Scaled = { cells: matrix, exponent: 0 }
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = times(power, base, size)
    base = times(base, base, size)
  }
  let p = power.cells[(k - 1) * size + k - 1] as number
  let exponent = power.exponent
  for (let i = 1; i <= n; i++) {
    p = (p * i) / n
    if (p < 1 / SCALE) {
      p *= SCALE
      exponent -= 128
    }
  }
  return p * 2 ** exponent
}

interface Scaled {
  readonly cells: Float64Array
  /** The cells are to be multiplied by two to this. */
  readonly exponent: number
}

function durbinMatrix(size: number, h: number): Float64Array {
  const cells = new Float64Array(size * size)
  const column = new Float64Array(size)
  const inverse = new Float64Array(size + 1)
  inverse[0] = 1
  for (let j = 1; j <= size; j++) {
    inverse[j] = (inverse[j - 1] as number) / j
    column[j - 1] = (1 - h ** j) * (inverse[j] as number)
  }
  const corner = Math.max(2 * h - 1, 0) ** size - 2 * h ** size
  column[size - 1] = (1 + corner) * (inverse[size] as number)
  for (let row = 0; row < size; row++) {
    for (let at = 1; at < size; at++)
      if (row >= at - 1) cells[row * size + at] = inverse[row - at + 1] as number
    cells[row * size] = column[row] as number
  }
  for (let at = 0; at < size; at++) cells[(size - 1) * size + at] = column[size - 1 - at] as number
  return cells
}

function identity(size: number): Float64Array {
  const cells = new Float64Array(size * size)
  for (let row = 0; row < size; row++) cells[row * size + row] = 1
  return cells
}

function times(one: Scaled, other: Scaled, size: number): Scaled {
  const cells = new Float64Array(size * size)
  let largest = 0
  for (let row = 0; row < size; row++)
    for (let inner = 0; inner < size; inner++) {
      const factor = one.cells[row * size + inner] as number
      if (factor === 0) continue
      for (let column = 0; column < size; column++) {
        const place = row * size + column
        const value =
          (cells[place] as number) + factor * (other.cells[inner * size + column] as number)
        cells[place] = value
        if (value > largest) largest = value
      }
    }
  const exponent = one.exponent + other.exponent
  if (largest < SCALE) return { cells, exponent }
  return { cells: cells.map((cell) => cell / SCALE), exponent: exponent + 128 }
}

const PI2 = Math.PI ** 2

/** P(D ≤ d) by the expansion of Pelz and Good (1976) in 1/√n, in theta functions that converge fast for small z. */
function pelzGood(n: number, d: number): number {
  const z = Math.sqrt(n) * d
  const [z2, z4, z6] = [z ** 2, z ** 4, z ** 6]
  const terms = Math.ceil((16 * z) / Math.PI)
  const sums = [0, 0, 0, 0]
  for (let k = terms; k >= 1; k--) {
    const odd = ((2 * k - 1) ** 2 * PI2) / 4
    const q = Math.exp((-PI2 / 8 / z2) * (2 * k - 1) ** 2)
    const coefficients = [
      1,
      odd - z2,
      6 * z6 + 2 * z4 + (2 * z4 - 5 * z2) * odd + (1 - 2 * z2) * odd ** 2,
      -30 * z6 -
        90 * z ** 8 +
        (135 * z4 - 96 * z6) * odd +
        (-60 * z2 + 212 * z4) * odd ** 2 +
        (5 - 30 * z2) * odd ** 3,
    ]
    for (const [index, each] of coefficients.entries())
      sums[index] = (sums[index] as number) + each * q
  }
  let second = 0
  let third = 0
  for (let k = terms; k >= 1; k--) {
    const q = Math.exp((-PI2 / 2 / z2) * k ** 2)
    second += k ** 2 * q
    third += (3 * z2 - PI2 * k ** 2) * k ** 2 * q
  }
  const root = Math.sqrt(2 * Math.PI)
  const [s0, s1, s2, s3] = sums as [number, number, number, number]
  return (
    (root * s0) / z +
    (root * s1) / (6 * z4 * Math.sqrt(n)) +
    ((root * s2) / (72 * z ** 7) - (root * PI2 * second) / (36 * z ** 3)) / n +
    ((root * s3) / (6480 * z ** 10) + (root * PI2 * third) / (216 * z6)) / n ** 1.5
  )
}

function clipped(p: number): number {
  return Math.min(1, Math.max(0, p))
}
