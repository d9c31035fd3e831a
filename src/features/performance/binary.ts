import { aucOf, calibrationInTheLarge, type Label } from '#statistics'
import { binnedErrors, equalMassError, lossOf, recalibrationOf } from './calibration.ts'
import {
  balancedAccuracyOf,
  countsOf,
  fBetaOf,
  kappaOf,
  matthewsOf,
  tableOfCounts,
  type Counts,
} from './confusion.ts'
import {
  bare,
  bootstrapped,
  byError,
  CORRELATION,
  lazy,
  mean,
  none,
  POSITIVE,
  resamplesOf,
  share,
  SHARE,
  type Range,
  type Resamples,
} from './intervals.ts'
import type { BinaryAnswers, LazyMetrics, Metric } from './tasks.ts'

/** All metrics of answers about two classes. */
export function binaryMetrics(answers: BinaryAnswers): LazyMetrics {
  const resamples = lazy(() => resamplesOf(answers.truths.length, answers))
  return {
    ...countedMetrics(answers, resamples),
    ...(answers.scores === null
      ? without([...RANKED, ...CALIBRATED], 'answers have classes and no scores')
      : rankedMetrics(answers.truths, answers.scores, resamples)),
    ...(answers.scores === null
      ? {}
      : calibratedMetrics(answers.truths, answers.scores, resamples)),
  }
}

function countedMetrics(
  { truths, predicted }: BinaryAnswers,
  resamples: () => Resamples,
): LazyMetrics {
  const counts = lazy(() => countsOf(truths, predicted))
  const drawn = lazy(() => resamples().samples.map((sample) => countsOf(truths, predicted, sample)))
  const by = (of: (counts: Counts) => number, range: Range) => () =>
    bootstrapped(of(counts()), resamples(), drawn().map(of), range)
  const cells = (of: (counts: Counts) => Metric) => () => of(counts())
  return {
    accuracy: cells(({ tp, fp, fn, tn }) => share(tp + tn, tp + fp + fn + tn, NO_ROWS)),
    precision: cells(({ tp, fp }) => share(tp, tp + fp, NONE_PREDICTED)),
    recall: cells(({ tp, fn }) => share(tp, tp + fn, NO_EVENT)),
    specificity: cells(({ tn, fp }) => share(tn, tn + fp, ONLY_EVENTS)),
    npv: cells(({ tn, fn }) => share(tn, tn + fn, ALL_PREDICTED)),
    fpr: cells(({ tn, fp }) => share(fp, tn + fp, ONLY_EVENTS)),
    fnr: cells(({ tp, fn }) => share(fn, tp + fn, NO_EVENT)),
    selection_rate: cells(({ tp, fp, fn, tn }) => share(tp + fp, tp + fp + fn + tn, NO_ROWS)),
    event_rate: cells(({ tp, fp, fn, tn }) => share(tp + fn, tp + fp + fn + tn, NO_ROWS)),
    f1: by((each) => fBetaOf(each, 1), SHARE),
    f2: by((each) => fBetaOf(each, 2), SHARE),
    f05: by((each) => fBetaOf(each, 0.5), SHARE),
    balanced_accuracy: by((each) => balancedAccuracyOf(tableOfCounts(each)), SHARE),
    mcc: by((each) => matthewsOf(tableOfCounts(each)), CORRELATION),
    kappa: by((each) => kappaOf(tableOfCounts(each)), CORRELATION),
  }
}

const NO_ROWS = 'there are no rows'
const NONE_PREDICTED = 'nothing was predicted to be the event'
const ALL_PREDICTED = 'everything was predicted to be the event'
const NO_EVENT = 'the event never came'
const ONLY_EVENTS = 'everything was the event'

const RANKED = ['roc_auc', 'gini', 'average_precision', 'ks', 'lift_10', 'gain_10']
const CALIBRATED = [
  'log_loss',
  'brier',
  'ece',
  'mce',
  'ace',
  'calibration_difference',
  'calibration_slope',
  'calibration_intercept',
]

function rankedMetrics(
  truths: Uint8Array,
  scores: Float64Array,
  resamples: () => Resamples,
): LazyMetrics {
  const area = lazy(() => aucOf([...truths] as Label[], [...scores]))
  const ranked = lazy(() => rankedBy(truths, scores))
  const drawn = lazy(() => resamples().samples.map((sample) => curveOf(ranked(), sample)))
  const by = (of: (curve: Curve) => number, range: Range) => () => {
    const curve = curveOf(ranked())
    if (!Number.isFinite(of(curve))) return none(ONE_CLASS)
    return bootstrapped(of(curve), resamples(), drawn().map(of), range)
  }
  return {
    roc_auc: () => {
      const found = area()
      return found === undefined
        ? none(ONE_CLASS)
        : { value: found.auc, ciLow: found.ciLow, ciHigh: found.ciHigh }
    },
    gini: () => {
      const found = area()
      return found === undefined
        ? none(ONE_CLASS)
        : byError(2 * found.auc - 1, 2 * Math.sqrt(found.variance), CORRELATION)
    },
    average_precision: by(({ averagePrecision }) => averagePrecision, SHARE),
    ks: by(({ ks }) => ks, SHARE),
    lift_10: by(({ gain }) => gain * 10, POSITIVE),
    gain_10: by(({ gain }) => gain, SHARE),
  }
}

const ONE_CLASS = 'all truths are of one class'

interface Ranked {
  /** 1 for the event, the highest score first. */
  readonly truths: Uint8Array
  readonly scores: Float64Array
}

function rankedBy(truths: Uint8Array, scores: Float64Array): Ranked {
  const order = Uint32Array.from(truths.keys()).toSorted(
    (i, j) => (scores[j] as number) - (scores[i] as number) || i - j,
  )
  return {
    truths: Uint8Array.from(order, (row) => truths[row] as number),
    scores: Float64Array.from(order, (row) => scores[row] as number),
  }
}

interface Curve {
  readonly averagePrecision: number
  /** The largest difference of true and false positive rates. */
  readonly ks: number
  /** The share of all events among the tenth with the highest scores. */
  readonly gain: number
}

/** One walk down the ranking; rows of one score come together. `sample` is places in ascending order. */
function curveOf({ truths, scores }: Ranked, sample?: Uint32Array): Curve {
  const length = sample?.length ?? truths.length
  const at = (place: number) => (sample === undefined ? place : (sample[place] as number))
  let events = 0
  for (let place = 0; place < length; place++) events += truths[at(place)] as number
  const others = length - events
  const tenth = Math.ceil(length / 10)
  let [hits, misses, averagePrecision, ks, gained] = [0, 0, 0, 0, 0]
  for (let place = 0; place < length;) {
    const score = scores[at(place)]
    const before = hits
    for (; place < length && scores[at(place)] === score; place++) {
      const hit = truths[at(place)] as number
      hits += hit
      misses += 1 - hit
      if (place < tenth) gained += hit
    }
    averagePrecision += ((hits - before) / events) * (hits / (hits + misses))
    ks = Math.max(ks, Math.abs(hits / events - misses / others))
  }
  return { averagePrecision, ks: others === 0 ? Number.NaN : ks, gain: gained / events }
}

function calibratedMetrics(
  truths: Uint8Array,
  scores: Float64Array,
  resamples: () => Resamples,
): LazyMetrics {
  if (!scores.every((score) => score >= 0 && score <= 1))
    return without(CALIBRATED, 'scores are no probabilities: some lie outside 0 to 1')
  const recalibration = lazy(() => recalibrationOf(truths, scores))
  const order = (rows: Uint32Array) =>
    rows.toSorted((i, j) => (scores[i] as number) - (scores[j] as number) || i - j)
  return {
    log_loss: () =>
      mean(
        scores.map((score, row) => lossOf(truths[row] === 1 ? score : 1 - score)),
        { range: POSITIVE },
      ),
    brier: () =>
      mean(
        scores.map((score, row) => (score - (truths[row] as number)) ** 2),
        { range: SHARE },
      ),
    ...binnedErrors(truths, scores, resamples),
    ace: () =>
      bootstrapped(
        equalMassError(truths, scores, order(Uint32Array.from(truths.keys()))),
        resamples(),
        resamples().samples.map((sample) => equalMassError(truths, scores, order(sample))),
        SHARE,
      ),
    calibration_difference: () => {
      const { difference, ciLow, ciHigh } = calibrationInTheLarge([...truths] as Label[], [
        ...scores,
      ])
      return { value: difference, ciLow, ciHigh }
    },
    calibration_slope: () => recalibration().slope,
    calibration_intercept: () => recalibration().intercept,
  }
}

function without(names: readonly string[], why: string): LazyMetrics {
  return Object.fromEntries(names.map((name) => [name, () => bare(undefined, why)]))
}
