import { aucOf, type Label } from '#statistics'
import { fBetaOf, precisionOf, ratio, recallOf, type Counts } from './confusion.ts'
import {
  bare,
  bootstrapped,
  lazy,
  mean,
  none,
  POSITIVE,
  resamplesOf,
  share,
  SHARE,
} from './intervals.ts'
import type { LazyMetrics, Metric, MultilabelAnswers } from './tasks.ts'

/** All metrics of answers that give each row any number of labels. */
export function multilabelMetrics(answers: MultilabelAnswers): LazyMetrics {
  return { ...setMetrics(answers), ...averagedMetrics(answers), ...scoredMetrics(answers) }
}

/** Metrics that are a mean over rows. */
function setMetrics(answers: MultilabelAnswers): LazyMetrics {
  const size = answers.labels.length
  const rows = answers.truths.length / size
  const counts = lazy(() => Array.from({ length: rows }, (_, row) => countsOfRow(answers, row)))
  const terms = (of: (counts: Counts) => number) => () =>
    mean(Float64Array.from(counts(), of), { range: SHARE })
  return {
    subset_accuracy: () =>
      share(counts().filter(({ fp, fn }) => fp + fn === 0).length, rows, 'there are no rows'),
    hamming_loss: terms(({ fp, fn }) => (fp + fn) / size),
    jaccard_samples: terms(({ tp, fp, fn }) => ratio(tp, tp + fp + fn)),
    precision_samples: terms(precisionOf),
    recall_samples: terms(recallOf),
    f1_samples: terms((each) => fBetaOf(each, 1)),
  }
}

function countsOfRow({ labels, truths, predicted }: MultilabelAnswers, row: number): Counts {
  const counts = { tp: 0, fp: 0, fn: 0, tn: 0 }
  for (let at = row * labels.length; at < (row + 1) * labels.length; at++)
    counts[cellOf(truths[at] === 1, predicted[at] === 1)]++
  return counts
}

function cellOf(isTrue: boolean, isPredicted: boolean): keyof Counts {
  if (isPredicted) return isTrue ? 'tp' : 'fp'
  return isTrue ? 'fn' : 'tn'
}

/** Metrics that are counted label by label, over all rows. */
function averagedMetrics(answers: MultilabelAnswers): LazyMetrics {
  const rows = answers.truths.length / answers.labels.length
  const resamples = lazy(() => resamplesOf(rows, answers))
  const whole = lazy(() => countsByLabel(answers))
  const drawn = lazy(() => resamples().samples.map((sample) => countsByLabel(answers, sample)))
  const metrics: Record<string, () => Metric> = {}
  const terms = { precision: precisionOf, recall: recallOf, f1: (each: Counts) => fBetaOf(each, 1) }
  for (const [name, of] of Object.entries(terms))
    for (const [how, average] of Object.entries(AVERAGES)) {
      const value = (each: readonly Counts[]) => average(each, of)
      metrics[`${name}_${how}`] = () =>
        bootstrapped(value(whole()), resamples(), drawn().map(value), SHARE)
    }
  return metrics
}

type Average = (counts: readonly Counts[], of: (counts: Counts) => number) => number

const AVERAGES: Readonly<Record<'micro' | 'macro' | 'weighted', Average>> = {
  micro: (counts, of) =>
    of(
      counts.reduce((all, each) => ({
        tp: all.tp + each.tp,
        fp: all.fp + each.fp,
        fn: all.fn + each.fn,
        tn: all.tn + each.tn,
      })),
    ),
  macro: (counts, of) => counts.reduce((all, each) => all + of(each), 0) / counts.length,
  weighted: (counts, of) => {
    const told = counts.reduce((all, { tp, fn }) => all + tp + fn, 0)
    return ratio(
      counts.reduce((all, each) => all + (each.tp + each.fn) * of(each), 0),
      told,
    )
  },
}

function countsByLabel(
  { labels, truths, predicted }: MultilabelAnswers,
  sample?: Uint32Array,
): Counts[] {
  const size = labels.length
  const counts = labels.map(() => ({ tp: 0, fp: 0, fn: 0, tn: 0 }))
  const length = sample?.length ?? truths.length / size
  for (let place = 0; place < length; place++) {
    const start = (sample === undefined ? place : (sample[place] as number)) * size
    for (const [of, each] of counts.entries())
      each[cellOf(truths[start + of] === 1, predicted[start + of] === 1)]++
  }
  return counts
}

const BY_SCORE = ['roc_auc_macro', 'lrap', 'coverage_error', 'ranking_loss']

function scoredMetrics({ labels, truths, scores }: MultilabelAnswers): LazyMetrics {
  if (scores === null)
    return Object.fromEntries(
      BY_SCORE.map((name) => [name, () => bare(undefined, 'answers have no scores')]),
    )
  const size = labels.length
  const ranked = lazy(() =>
    Array.from({ length: truths.length / size }, (_, row) =>
      rankedRow(
        truths.subarray(row * size, (row + 1) * size),
        scores.subarray(row * size, (row + 1) * size),
      ),
    ),
  )
  const terms = (of: (row: RankedRow) => number) => Float64Array.from(ranked(), of)
  return {
    roc_auc_macro: () => {
      const areas = labels.flatMap((_, of) => {
        const own = (values: ArrayLike<number>) =>
          Array.from({ length: truths.length / size }, (_row, row) => values[row * size + of])
        return aucOf(own(truths) as Label[], own(scores) as number[])?.auc ?? []
      })
      if (areas.length === 0) return none('no label is true of some rows and not of others')
      return bare(areas.reduce((all, each) => all + each, 0) / areas.length)
    },
    lrap: () =>
      mean(
        terms(({ precision }) => precision),
        { range: SHARE },
      ),
    coverage_error: () =>
      mean(
        terms(({ coverage }) => coverage),
        { range: POSITIVE },
      ),
    ranking_loss: () =>
      mean(
        terms(({ loss }) => loss),
        { range: SHARE },
      ),
  }
}

interface RankedRow {
  /** The mean, over a row's labels, of the share of labels ranked no lower that are its own too. */
  readonly precision: number
  /** How far down the ranking one must go to have all of a row's labels. */
  readonly coverage: number
  /** The share of pairs of a label that is true and one that is not that are ranked wrongly; ties are. */
  readonly loss: number
}

function rankedRow(truths: Uint8Array, scores: Float64Array): RankedRow {
  const size = truths.length
  let own = 0
  let [precision, coverage, wrong] = [0, 0, 0]
  for (let label = 0; label < size; label++) {
    if (truths[label] !== 1) continue
    own++
    let [ahead, ownAhead] = [0, 0]
    for (let other = 0; other < size; other++) {
      if ((scores[other] as number) < (scores[label] as number)) continue
      ahead++
      if (truths[other] === 1) ownAhead++
      else wrong++
    }
    precision += ownAhead / ahead
    coverage = Math.max(coverage, ahead)
  }
  if (own === 0 || own === size)
    return { precision: 1, coverage: own === 0 ? 0 : coverage, loss: 0 }
  return { precision: precision / own, coverage, loss: wrong / (own * (size - own)) }
}
