import { byError, none, type Resamples, bootstrapped, SHARE } from './intervals.ts'
import type { Metric } from './tasks.ts'

export const CALIBRATION_BINS = 10

/** How often the event came where about so much was predicted. */
export interface ReliabilityBin {
  readonly from: number
  readonly to: number
  readonly rows: number
  /** The mean of what was predicted; null for an empty bin. */
  readonly predicted: number | null
  readonly observed: number | null
}

/** Equally wide bins: (0, 0.1], (0.1, 0.2] and so on; 0 goes to the first. */
export function reliabilityOf(
  truths: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  sample?: Uint32Array,
): ReliabilityBin[] {
  const bins = Array.from({ length: CALIBRATION_BINS }, () => ({ rows: 0, said: 0, came: 0 }))
  const length = sample?.length ?? truths.length
  for (let place = 0; place < length; place++) {
    const row = sample === undefined ? place : (sample[place] as number)
    const probability = probabilities[row] as number
    const at = Math.min(
      CALIBRATION_BINS - 1,
      Math.max(0, Math.ceil(probability * CALIBRATION_BINS) - 1),
    )
    const bin = bins[at] as { rows: number; said: number; came: number }
    bin.rows++
    bin.said += probability
    bin.came += truths[row] as number
  }
  return bins.map(({ rows, said, came }, index) => ({
    from: index / CALIBRATION_BINS,
    to: (index + 1) / CALIBRATION_BINS,
    rows,
    predicted: rows === 0 ? null : said / rows,
    observed: rows === 0 ? null : came / rows,
  }))
}

/** The expected (mean) and the largest distance of what was predicted and what came, over the bins. */
export function distancesOf(bins: readonly ReliabilityBin[]): {
  expected: number
  largest: number
} {
  let rows = 0
  let expected = 0
  let largest = 0
  for (const bin of bins) {
    if (bin.predicted === null || bin.observed === null) continue
    const distance = Math.abs(bin.predicted - bin.observed)
    rows += bin.rows
    expected += bin.rows * distance
    largest = Math.max(largest, distance)
  }
  return { expected: expected / rows, largest }
}

/** The same mean over ten bins of equally many rows; `order` is by probability. */
export function equalMassError(
  truths: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  order: Uint32Array,
): number {
  const bins = Math.min(CALIBRATION_BINS, order.length)
  const size = Math.floor(order.length / bins)
  const longer = order.length % bins
  let error = 0
  let start = 0
  for (let bin = 0; bin < bins; bin++) {
    const end = start + size + (bin < longer ? 1 : 0)
    let off = 0
    for (let place = start; place < end; place++) {
      const row = order[place] as number
      off += (probabilities[row] as number) - (truths[row] as number)
    }
    error += Math.abs(off)
    start = end
  }
  return error / order.length
}

/** The binned errors, each with the spread that it has over samples of the rows. */
export function binnedErrors(
  truths: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  resamples: () => Resamples,
): Record<'ece' | 'mce', () => Metric> {
  const whole = () => distancesOf(reliabilityOf(truths, probabilities))
  const drawn = () =>
    resamples().samples.map((sample) => distancesOf(reliabilityOf(truths, probabilities, sample)))
  return {
    ece: () =>
      bootstrapped(
        whole().expected,
        resamples(),
        drawn().map(({ expected }) => expected),
        SHARE,
      ),
    mce: () =>
      bootstrapped(
        whole().largest,
        resamples(),
        drawn().map(({ largest }) => largest),
        SHARE,
      ),
  }
}

/** What a perfect recalibration would multiply and add to the predicted log-odds: 1 and 0 need none. */
export interface Recalibration {
  readonly slope: Metric
  readonly intercept: Metric
}

/** Logistic regression of the event on the predicted log-odds, by Newton's method. */
export function recalibrationOf(
  truths: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): Recalibration {
  const logits = Float64Array.from(probabilities, logit)
  let slope = 0
  let intercept = 0
  for (let step = 0; step < STEPS_MAX; step++) {
    const found = newton(truths, logits, { slope, intercept })
    if (found === undefined) break
    slope += found.slope
    intercept += found.intercept
    if (Math.abs(found.slope) + Math.abs(found.intercept) < 1e-10)
      return {
        slope: byError(slope, found.slopeError),
        intercept: byError(intercept, found.interceptError),
      }
  }
  const reason = 'the classes are separated by the predictions, or these are all the same'
  return { slope: none(reason), intercept: none(reason) }
}

const STEPS_MAX = 50

function newton(
  truths: ArrayLike<number>,
  logits: Float64Array,
  at: { slope: number; intercept: number },
) {
  let [g0, g1, h00, h01, h11] = [0, 0, 0, 0, 0]
  for (const [row, x] of logits.entries()) {
    const p = 1 / (1 + Math.exp(-(at.intercept + at.slope * x)))
    const off = (truths[row] as number) - p
    const weight = p * (1 - p)
    g0 += off
    g1 += off * x
    h00 += weight
    h01 += weight * x
    h11 += weight * x * x
  }
  const determinant = h00 * h11 - h01 * h01
  if (!(determinant > 1e-12 * h00 * h11)) return undefined
  return {
    intercept: (h11 * g0 - h01 * g1) / determinant,
    slope: (h00 * g1 - h01 * g0) / determinant,
    interceptError: Math.sqrt(h11 / determinant),
    slopeError: Math.sqrt(h00 / determinant),
  }
}

/** The nearest that a probability comes to 0 or 1 in a logarithm. */
export const EPSILON = Number.EPSILON

function logit(probability: number): number {
  const known = Math.min(1 - EPSILON, Math.max(EPSILON, probability))
  return Math.log(known) - Math.log1p(-known)
}

export function lossOf(probability: number): number {
  return -Math.log(Math.min(1 - EPSILON, Math.max(EPSILON, probability)))
}
