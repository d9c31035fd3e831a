import { midranks } from '#statistics'
import {
  bare,
  bootstrapped,
  byFisher,
  lazy,
  mean,
  meanOf,
  none,
  POSITIVE,
  quantile,
  resamplesOf,
  share,
  Z,
  within,
  type Range,
  type Resamples,
} from './intervals.ts'
import type { LazyMetrics, Metric, RegressionAnswers } from './tasks.ts'

/** An error is what was predicted less what is true: positive is too high. */
export function regressionMetrics({
  truths,
  predicted,
  bare: isBare,
}: RegressionAnswers): LazyMetrics {
  const errors = lazy(() => predicted.map((value, row) => value - (truths[row] as number)))
  const sizes = lazy(() => errors().map(Math.abs))
  const sortedErrors = lazy(() => errors().toSorted())
  const sortedSizes = lazy(() => sizes().toSorted())
  const squares = lazy(() => errors().map((error) => error ** 2))
  const resamples = lazy(() => resamplesOf(truths.length, { bare: isBare }))
  return {
    me: () => mean(errors()),
    mae: () => mean(sizes(), { range: POSITIVE }),
    mse: () => mean(squares(), { range: POSITIVE }),
    rmse: () => mean(squares(), { of: Math.sqrt, range: POSITIVE }),
    medae: () => quantile(sortedSizes(), 0.5),
    max_error: () => bare(sortedSizes().at(-1)),
    r2: () => explained(truths, errors(), { resamples, about: 'zero' }),
    explained_variance: () => explained(truths, errors(), { resamples, about: 'mean' }),
    ...relativeMetrics(truths, predicted, sizes),
    ...quantileMetrics(sortedErrors, sortedSizes),
    pinball_10: () =>
      mean(
        errors().map((error) => pinball(error, 0.1)),
        { range: POSITIVE },
      ),
    pinball_50: () =>
      mean(
        errors().map((error) => pinball(error, 0.5)),
        { range: POSITIVE },
      ),
    pinball_90: () =>
      mean(
        errors().map((error) => pinball(error, 0.9)),
        { range: POSITIVE },
      ),
    over_share: () => share(errors().filter((each) => each > 0).length, truths.length, NO_ROWS),
    under_share: () => share(errors().filter((each) => each < 0).length, truths.length, NO_ROWS),
    pearson: () => byFisher(pearsonOf(truths, predicted), 1 / Math.sqrt(truths.length - 3)),
    spearman: () => {
      const found = pearsonOf(midranks(truths), midranks(predicted))
      return byFisher(found, Math.sqrt((1 + found ** 2 / 2) / (truths.length - 3)))
    },
    kendall: () => byFisher(kendallOf(truths, predicted), Math.sqrt(0.437 / (truths.length - 4))),
  }
}

const NO_ROWS = 'there are no rows'

function relativeMetrics(
  truths: Float64Array,
  predicted: Float64Array,
  sizes: () => Float64Array,
): LazyMetrics {
  const rows = truths.map((_, row) => row)
  const logarithms = lazy(() =>
    rows.map(
      (row) => (Math.log1p(predicted[row] as number) - Math.log1p(truths[row] as number)) ** 2,
    ),
  )
  return {
    // As scikit-learn divides: a truth of 0 makes it enormous, and WAPE does not mind.
    mape: () =>
      mean(
        sizes().map(
          (size, row) => size / Math.max(Number.EPSILON, Math.abs(truths[row] as number)),
        ),
        { range: POSITIVE },
      ),
    smape: () =>
      mean(
        sizes().map((size, row) => {
          const both = Math.abs(truths[row] as number) + Math.abs(predicted[row] as number)
          return both === 0 ? 0 : (2 * size) / both
        }),
        { range: [0, 2] },
      ),
    wape: () => ratioOfMeans(sizes(), truths.map(Math.abs)),
    msle: () => ofLogarithms(truths, predicted, () => mean(logarithms(), { range: POSITIVE })),
    rmsle: () =>
      ofLogarithms(truths, predicted, () => mean(logarithms(), { of: Math.sqrt, range: POSITIVE })),
  }
}

function ofLogarithms(truths: Float64Array, predicted: Float64Array, of: () => Metric): Metric {
  const isKnown = truths.every((each) => each > -1) && predicted.every((each) => each > -1)
  return isKnown ? of() : none('a truth or prediction is −1 or less')
}

/** A ratio of two means of the same rows, with the interval by the delta method. */
function ratioOfMeans(parts: Float64Array, wholes: Float64Array): Metric {
  const whole = meanOf(wholes)
  if (whole === 0) return none('all truths are 0')
  const value = meanOf(parts) / whole
  let squares = 0
  for (const [row, part] of parts.entries())
    squares += (part - value * (wholes[row] as number)) ** 2
  const error = Math.sqrt(squares / (parts.length - 1) / parts.length) / whole
  return within({ value, low: value - Z * error, high: value + Z * error }, POSITIVE)
}

function quantileMetrics(errors: () => Float64Array, sizes: () => Float64Array): LazyMetrics {
  return {
    error_p05: () => quantile(errors(), 0.05),
    error_p50: () => quantile(errors(), 0.5),
    error_p95: () => quantile(errors(), 0.95),
    abs_error_p90: () => quantile(sizes(), 0.9),
    abs_error_p99: () => quantile(sizes(), 0.99),
  }
}

function pinball(error: number, at: number): number {
  return error <= 0 ? -at * error : (1 - at) * error
}

const UP_TO_ONE: Range = [-Infinity, 1]

/** The share of the truths' variance that the predictions explain; about their mean an even error costs nothing. */
function explained(
  truths: Float64Array,
  errors: Float64Array,
  { resamples, about }: { resamples: () => Resamples; about: 'zero' | 'mean' },
): Metric {
  const of = (sample?: Uint32Array) => {
    const sums = sumsOf(truths, errors, sample)
    const spread = sums.truthSquares - sums.truths ** 2 / sums.rows
    const lost = sums.errorSquares - (about === 'mean' ? sums.errors ** 2 / sums.rows : 0)
    return spread <= 0 ? Number.NaN : 1 - lost / spread
  }
  if (truths.length < 2 || truths.every((each) => each === truths[0]))
    return none('truths do not vary')
  return bootstrapped(of(), resamples(), resamples().samples.map(of), UP_TO_ONE)
}

/** Sums about the first truth: large numbers of little spread lose no digits. */
function sumsOf(values: Float64Array, errors: Float64Array, sample?: Uint32Array) {
  const length = sample?.length ?? values.length
  const origin = values[0] as number
  let [truths, truthSquares, all, errorSquares] = [0, 0, 0, 0]
  for (let place = 0; place < length; place++) {
    const row = sample === undefined ? place : (sample[place] as number)
    const truth = (values[row] as number) - origin
    const error = errors[row] as number
    truths += truth
    truthSquares += truth ** 2
    all += error
    errorSquares += error ** 2
  }
  return { rows: length, truths, truthSquares, errors: all, errorSquares }
}

export function pearsonOf(one: Float64Array, other: Float64Array): number {
  const first = meanOf(one)
  const second = meanOf(other)
  let [both, ones, others] = [0, 0, 0]
  for (const [row, value] of one.entries()) {
    const a = value - first
    const b = (other[row] as number) - second
    both += a * b
    ones += a * a
    others += b * b
  }
  return ones === 0 || others === 0
    ? Number.NaN
    : Math.max(-1, Math.min(1, both / Math.sqrt(ones * others)))
}

/** Kendall's τ-b after Knight (1966): sort by one, count the swaps that sorting by the other takes. */
export function kendallOf(one: Float64Array, other: Float64Array): number {
  const order = Uint32Array.from(one.keys()).toSorted(
    (i, j) =>
      (one[i] as number) - (one[j] as number) || (other[i] as number) - (other[j] as number),
  )
  const sortedOne = Float64Array.from(order, (row) => one[row] as number)
  const byOne = Float64Array.from(order, (row) => other[row] as number)
  const pairs = (one.length * (one.length - 1)) / 2
  const tiedOne = tiedPairs(sortedOne)
  const tiedBoth = tiedPairs(sortedOne, byOne)
  const swaps = swapsOf(byOne)
  const tiedOther = tiedPairs(byOne)
  const spread = Math.sqrt(pairs - tiedOne) * Math.sqrt(pairs - tiedOther)
  return spread === 0 ? Number.NaN : (pairs - tiedOne - tiedOther + tiedBoth - 2 * swaps) / spread
}

/** Pairs of equal neighbours, of values in order. */
function tiedPairs(sorted: Float64Array, also?: Float64Array): number {
  let pairs = 0
  let run = 1
  for (let at = 1; at <= sorted.length; at++) {
    const same =
      at < sorted.length &&
      sorted[at] === sorted[at - 1] &&
      (also === undefined || also[at] === also[at - 1])
    if (same) run++
    else {
      pairs += (run * (run - 1)) / 2
      run = 1
    }
  }
  return pairs
}

/** Sorts in place by merging, and counts how many pairs stood the wrong way round. */
function swapsOf(values: Float64Array): number {
  let swaps = 0
  const merged = new Float64Array(values.length)
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < values.length; start += 2 * width) {
      const middle = Math.min(start + width, values.length)
      const end = Math.min(start + 2 * width, values.length)
      let [left, right] = [start, middle]
      for (let at = start; at < end; at++)
        if (
          left < middle &&
          (right >= end || (values[left] as number) <= (values[right] as number))
        )
          merged[at] = values[left++] as number
        else {
          swaps += middle - left
          merged[at] = values[right++] as number
        }
    }
    values.set(merged)
  }
  return swaps
}
