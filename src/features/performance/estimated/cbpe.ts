import { invariant } from '#base/invariant'
import { calibratorOf, probabilities } from './calibrator.ts'
import type { Isotonic } from './isotonic.ts'
import { expectedAuc, expectedAveragePrecision } from './ranked.ts'
import {
  bernoulliStd,
  chancesOf,
  samplingError,
  stdOf,
  type ClassChances,
  type Counted,
  type Decided,
  type Ranked,
} from './sampling.ts'

/** What a classifier answered: for each class a score of each row, and the class that it said. */
export interface Classified {
  /** Of a binary classifier one list, that of the event; else one a class, in the order of the classes. */
  readonly scores: readonly Float64Array[]
  /** Places of classes; binary: 1 for the event. */
  readonly predicted: Uint8Array
}

/** What each outcome is worth, by true class and then by the class that was said. */
export type Worth = readonly (readonly number[])[]

export type ClassificationMetric =
  | 'accuracy'
  | 'precision'
  | 'recall'
  | 'specificity'
  | 'f1'
  | 'roc_auc'
  | 'average_precision'
  | 'business_value'

/** How good answers probably are, told before anybody knows the truth. */
export interface Estimate {
  readonly metric: string
  readonly value: number
  /** Standard deviation by chance of a value over so many rows; null where the reference has too little to say. */
  readonly samplingError: number | null
  /** Three sampling errors to either side, within what the metric can be. */
  readonly ciLow: number | null
  readonly ciHigh: number | null
}

/** Confidence-based performance estimation, fitted on answers whose truth is known. Plain JSON. */
export interface ClassificationEstimator {
  readonly method: 'cbpe'
  /** Rows that it was fitted on. */
  readonly rows: number
  readonly calibrators: readonly (Isotonic | null)[]
  readonly chances: readonly ClassChances[]
  readonly accuracyStd: number
  readonly worth: Worth | null
  readonly worthStd: number | null
}

/** Learns from answers whose truth is known; `truth` has places of classes as `predicted` has. */
export function fitClassification(
  { scores, predicted }: Classified,
  truth: Uint8Array,
  worth: Worth | null = null,
): ClassificationEstimator {
  invariant(predicted.length === truth.length, 'each answer has its truth')
  const binary = scores.length === 1
  const classes = scores.map((own, index): Decided => {
    const place = binary ? 1 : index
    return {
      scores: own,
      predicted: predicted.map((said) => Number(said === place)),
      truth: truth.map((is) => Number(is === place)),
    }
  })
  const right = predicted.reduce((all, said, row) => all + Number(said === truth[row]), 0)
  return {
    method: 'cbpe',
    rows: truth.length,
    calibrators: classes.map((each) => calibratorOf(each.scores, each.truth)),
    chances: classes.map(chancesOf),
    accuracyStd: bernoulliStd(right / truth.length),
    worth,
    worthStd: worth === null ? null : stdOf(worths(worth, truth, predicted), binary ? 0 : 1),
  }
}

function worths(worth: Worth, truth: Uint8Array, predicted: Uint8Array): number[] {
  return Array.from(truth, (is, row) => worth[is]?.[predicted[row] as number] as number)
}

/** Estimates every metric of some answers; nothing of no answers. */
export function estimateClassification(
  estimator: ClassificationEstimator,
  answers: Classified,
): Estimate[] {
  const rows = answers.predicted.length
  if (rows === 0) return []
  const calibrated = calibratedOf(estimator, answers)
  const binary = calibrated.length === 1
  const classes = calibrated.map((probability, index) =>
    expectedOf(probability, answers, { index, place: binary ? 1 : index }),
  )
  const metrics = METRICS.map((metric) =>
    told(metric, meanOf(classes.map((each) => each[metric])), {
      error: errorOf(estimator, metric, rows),
      most: 1,
    }),
  )
  const sure = sureness(calibrated, answers.predicted)
  const accuracy = told('accuracy', meanOf(sure), {
    error: estimator.accuracyStd / Math.sqrt(rows),
    most: 1,
  })
  return [accuracy, ...metrics, ...worthOf(estimator, calibrated, answers.predicted)]
}

/** Scores as probabilities, which of several classes add up to 1. */
function calibratedOf(
  { calibrators }: ClassificationEstimator,
  { scores }: Classified,
): Float64Array[] {
  const each = scores.map((own, index) => probabilities(calibrators[index] ?? null, own))
  if (each.length === 1) return each
  const sums = (each[0] as Float64Array).map((_, row) =>
    each.reduce((all, own) => all + (own[row] as number), 0),
  )
  return each.map((own) =>
    own.map((value, row) => (sums[row] === 0 ? 1 / each.length : value / (sums[row] as number))),
  )
}

const METRICS: readonly (Ranked | Counted)[] = [
  'precision',
  'recall',
  'specificity',
  'f1',
  'roc_auc',
  'average_precision',
]

function expectedOf(
  probability: Float64Array,
  { scores, predicted }: Classified,
  { index, place }: { index: number; place: number },
): Record<Ranked | Counted, number> {
  let [tp, fp, fn, tn] = [0, 0, 0, 0]
  for (const [row, event] of probability.entries())
    if (predicted[row] === place) {
      tp += event
      fp += 1 - event
    } else {
      fn += event
      tn += 1 - event
    }
  return {
    precision: shareOf(tp, fp),
    recall: shareOf(tp, fn),
    specificity: shareOf(tn, fp),
    f1: shareOf(tp, (fp + fn) / 2),
    roc_auc: expectedAuc(probability, scores[index] as Float64Array),
    average_precision: expectedAveragePrecision(probability, scores[index] as Float64Array),
  }
}

/** Each row's probability that what was said of it is true. */
function sureness(calibrated: readonly Float64Array[], predicted: Uint8Array): Float64Array {
  const [event] = calibrated as [Float64Array]
  if (calibrated.length > 1)
    return Float64Array.from(predicted, (said, row) => calibrated[said]?.[row] ?? 0)
  return event.map((probability, row) => (predicted[row] === 1 ? probability : 1 - probability))
}

function errorOf(
  { chances }: ClassificationEstimator,
  metric: Ranked | Counted,
  rows: number,
): number {
  const [only] = chances as [ClassChances]
  if (chances.length === 1)
    return samplingError(only[metric], rows) * (metric === 'f1' ? only.f1.correction : 1)
  const squares = chances.reduce((all, each) => all + samplingError(each[metric], rows) ** 2, 0)
  // The classes' average precisions are not taken for independent of each other, and areas for a little less so.
  if (metric === 'average_precision') return Math.sqrt(squares / chances.length)
  return (Math.sqrt(squares) / chances.length) * (metric === 'roc_auc' ? 1.2 : 1)
}

function worthOf(
  { worth, worthStd }: ClassificationEstimator,
  calibrated: readonly Float64Array[],
  predicted: Uint8Array,
): Estimate[] {
  if (worth === null || worthStd === null) return []
  let value = 0
  for (const [row, said] of predicted.entries())
    for (const [is, values] of worth.entries())
      value += (values[said] as number) * chanceOf(calibrated, is, row)
  const error = worthStd * Math.sqrt(predicted.length)
  return [told('business_value', value, { error, most: Infinity })]
}

function chanceOf(calibrated: readonly Float64Array[], place: number, row: number): number {
  if (calibrated.length > 1) return calibrated[place]?.[row] as number
  const event = calibrated[0]?.[row] as number
  return place === 1 ? event : 1 - event
}

/** An estimate with its interval; what the reference could not say the chance of has none. */
export function told(
  metric: string,
  value: number,
  { error, most }: { error: number; most: number },
): Estimate {
  const known = Number.isFinite(error)
  const least = most === Infinity && metric === 'business_value' ? -Infinity : 0
  return {
    metric,
    value,
    samplingError: known ? error : null,
    ciLow: known ? Math.max(least, value - 3 * error) : null,
    ciHigh: known ? Math.min(most, value + 3 * error) : null,
  }
}

function shareOf(part: number, rest: number): number {
  return part + rest === 0 ? 0 : part / (part + rest)
}

function meanOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((all, value) => all + value, 0) / values.length
}
