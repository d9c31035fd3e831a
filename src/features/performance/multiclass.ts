import { placements } from '#statistics'
import { binnedErrors, lossOf } from './calibration.ts'
import {
  balancedAccuracyOf,
  countsFor,
  fBetaOf,
  kappaOf,
  marginsOf,
  matthewsOf,
  precisionOf,
  recallOf,
  tableOf,
  type Counts,
  type Table,
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
} from './intervals.ts'
import type { LazyMetrics, Metric, MulticlassAnswers } from './tasks.ts'

/** More classes than this are not compared pair by pair. */
const PAIRED_MAX = 50

/** All metrics of answers about three classes or more. */
export function multiclassMetrics(answers: MulticlassAnswers): LazyMetrics {
  const { classes, truths, predicted } = answers
  const table = lazy(() => tableOf(truths, predicted, classes.length))
  const resamples = lazy(() => resamplesOf(truths.length, answers))
  const drawn = lazy(() =>
    resamples().samples.map((sample) => tableOf(truths, predicted, classes.length, sample)),
  )
  const by = (of: (table: Table) => number, range: Range) => () =>
    bootstrapped(of(table()), resamples(), drawn().map(of), range)
  const right = () => {
    const { right: hits, total } = marginsOf(table())
    return share(hits, total, 'there are no rows')
  }
  return {
    accuracy: right,
    balanced_accuracy: by(balancedAccuracyOf, SHARE),
    mcc: by(matthewsOf, CORRELATION),
    kappa: by(kappaOf, CORRELATION),
    precision_macro: by((each) => macro(each, precisionOf), SHARE),
    recall_macro: by((each) => macro(each, recallOf), SHARE),
    f1_macro: by((each) => macro(each, f1), SHARE),
    // Each row has one class and one prediction: all micro averages are the accuracy.
    precision_micro: right,
    recall_micro: right,
    f1_micro: right,
    precision_weighted: by((each) => weighted(each, precisionOf), SHARE),
    recall_weighted: by((each) => weighted(each, recallOf), SHARE),
    f1_weighted: by((each) => weighted(each, f1), SHARE),
    ...probabilityMetrics(answers),
  }
}

/** Precision, recall and F1 of each class, with the rows that have it. */
export function perClass({ classes, truths, predicted }: MulticlassAnswers): {
  class: string
  rows: number
  predicted: number
  precision: number
  recall: number
  f1: number
}[] {
  const table = tableOf(truths, predicted, classes.length)
  const { told, said } = marginsOf(table)
  return classes.map((name, index) => {
    const counts = countsFor(table, index)
    return {
      class: name,
      rows: told[index] as number,
      predicted: said[index] as number,
      precision: precisionOf(counts),
      recall: recallOf(counts),
      f1: fBetaOf(counts, 1),
    }
  })
}

function f1(counts: Counts): number {
  return fBetaOf(counts, 1)
}

/** Over the classes that are true or predicted of some row, as scikit-learn counts them. */
function macro(table: Table, of: (counts: Counts) => number): number {
  const { told, said } = marginsOf(table)
  let all = 0
  let classes = 0
  for (let index = 0; index < table.size; index++) {
    if (told[index] === 0 && said[index] === 0) continue
    all += of(countsFor(table, index))
    classes++
  }
  return all / classes
}

function weighted(table: Table, of: (counts: Counts) => number): number {
  const { told, total } = marginsOf(table)
  let all = 0
  for (let index = 0; index < table.size; index++) {
    const rows = told[index] as number
    if (rows > 0) all += (rows / total) * of(countsFor(table, index))
  }
  return all
}

const BY_PROBABILITY = [
  'log_loss',
  'brier',
  'ece',
  'mce',
  'top_2_accuracy',
  'top_3_accuracy',
  'roc_auc_ovr',
  'roc_auc_ovr_weighted',
  'roc_auc_ovo',
]

function probabilityMetrics(answers: MulticlassAnswers): LazyMetrics {
  const { truths, probabilities, width } = answers
  if (probabilities === null)
    return Object.fromEntries(
      BY_PROBABILITY.map((name) => [name, () => bare(undefined, 'answers have no probabilities')]),
    )
  const rows = truths.length
  const resamples = lazy(() => resamplesOf(rows, answers))
  const given = (row: number, of: number) => probabilities[row * width + of] ?? 0
  const terms = (of: (row: number) => number) =>
    Float64Array.from({ length: rows }, (_, row) => of(row))
  const surest = lazy(() => surestOf(answers, probabilities))
  const areas = lazy(() => areasOf(answers, probabilities))
  return {
    log_loss: () =>
      mean(
        terms((row) => lossOf(given(row, truths[row] as number))),
        { range: POSITIVE },
      ),
    brier: () =>
      mean(
        terms((row) => brierOf(answers, probabilities, row)),
        { range: [0, 2] },
      ),
    ece: () => binnedErrors(surest().right, surest().confidence, resamples).ece(),
    mce: () => binnedErrors(surest().right, surest().confidence, resamples).mce(),
    top_2_accuracy: () => topAccuracy(answers, probabilities, 2),
    top_3_accuracy: () => topAccuracy(answers, probabilities, 3),
    roc_auc_ovr: () => ovr(areas(), rows, () => 1),
    roc_auc_ovr_weighted: () => ovr(areas(), rows, ({ events }) => events),
    roc_auc_ovo: () => ovo(answers, probabilities),
  }
}

function brierOf({ truths, width }: MulticlassAnswers, given: Float64Array, row: number): number {
  let all = (truths[row] as number) < width ? 0 : 1
  for (let of = 0; of < width; of++)
    all += ((given[row * width + of] as number) - (truths[row] === of ? 1 : 0)) ** 2
  return all
}

/** The largest probability of each row, and whether its class came true. */
function surestOf({ truths, width }: MulticlassAnswers, given: Float64Array) {
  const confidence = new Float64Array(truths.length)
  const right = new Uint8Array(truths.length)
  for (const [row, truth] of truths.entries()) {
    let most = 0
    for (let of = 1; of < width; of++)
      if ((given[row * width + of] as number) > (given[row * width + most] as number)) most = of
    confidence[row] = given[row * width + most] as number
    right[row] = truth === most ? 1 : 0
  }
  return { confidence, right }
}

/** Of classes with the same probability the last ones come first, as in scikit-learn. */
function topAccuracy({ truths, width }: MulticlassAnswers, given: Float64Array, k: number): Metric {
  if (k >= width) return none(`there are only ${width} probabilities`)
  let hits = 0
  for (const [row, truth] of truths.entries()) {
    if (truth >= width) continue
    const own = given[row * width + truth] as number
    let ahead = 0
    for (let of = 0; of < width; of++) {
      const other = given[row * width + of] as number
      if (other > own || (other === own && of > truth)) ahead++
    }
    if (ahead < k) hits++
  }
  return share(hits, truths.length, 'there are no rows')
}

interface Area {
  readonly area: number
  /** Rows of the class. */
  readonly events: number
  /** How much each row moves the area, by DeLong's placements. */
  readonly pull: Float64Array
}

/** The area of each class against all others; classes that no row, or each row, has are left out. */
function areasOf({ truths, width }: MulticlassAnswers, given: Float64Array): Area[] {
  return Array.from({ length: width }, (_, of) => {
    const isEvent = Uint8Array.from(truths, (truth) => (truth === of ? 1 : 0))
    const scores = Array.from(truths, (_truth, row) => given[row * width + of] as number)
    return areaOf(isEvent, scores)
  }).filter((each) => each !== undefined)
}

function areaOf(isEvent: Uint8Array, scores: readonly number[]): Area | undefined {
  const placed = placements(isEvent, scores)
  if (placed === undefined) return undefined
  const { auc, positive, negative } = placed
  const pull = new Float64Array(isEvent.length)
  let [event, other] = [0, 0]
  for (const [row, is] of isEvent.entries())
    pull[row] =
      is === 1
        ? ((positive[event++] as number) - auc) / positive.length
        : ((negative[other++] as number) - auc) / negative.length
  return { area: auc, events: positive.length, pull }
}

/** The mean area of each class against the rest; what a row pulls adds up over the classes. */
function ovr(areas: readonly Area[], rows: number, weightOf: (area: Area) => number): Metric {
  const total = areas.reduce((all, each) => all + weightOf(each), 0)
  if (total === 0) return none('all truths are of one class')
  const pull = new Float64Array(rows)
  let value = 0
  for (const each of areas) {
    const weight = weightOf(each) / total
    value += weight * each.area
    for (const [row, own] of each.pull.entries()) pull[row] = (pull[row] as number) + weight * own
  }
  return byError(value, errorOf(pull), SHARE)
}

/** The mean area of all pairs of classes, each way, over the rows of the two (Hand and Till, 2001). */
function ovo({ truths, width }: MulticlassAnswers, given: Float64Array): Metric {
  const present = Array.from({ length: width }, (_, of) => of).filter((of) => truths.includes(of))
  if (present.length < 2) return none('all truths are of one class')
  if (present.length > PAIRED_MAX)
    return none(`more than ${PAIRED_MAX} classes are not compared in pairs`)
  const pull = new Float64Array(truths.length)
  const pairs = (present.length * (present.length - 1)) / 2
  let total = 0
  for (const one of present)
    for (const other of present) {
      if (one === other) continue
      const rows = Uint32Array.from(truths.keys()).filter(
        (row) => truths[row] === one || truths[row] === other,
      )
      const isEvent = Uint8Array.from(rows, (row) => (truths[row] === one ? 1 : 0))
      const found = areaOf(
        isEvent,
        Array.from(rows, (row) => given[row * width + one] as number),
      )
      if (found === undefined) continue
      total += found.area
      for (const [place, row] of rows.entries())
        pull[row] = (pull[row] as number) + (found.pull[place] as number) / (2 * pairs)
    }
  return byError(total / (2 * pairs), errorOf(pull), SHARE)
}

function errorOf(pull: Float64Array): number {
  let squares = 0
  for (const each of pull) squares += each ** 2
  return Math.sqrt(squares * (pull.length / Math.max(1, pull.length - 1)))
}
