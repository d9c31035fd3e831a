import { aucOf, type Label } from '#statistics'
import type { Answers } from '../tasks.ts'
import { averagePrecision } from './ranked.ts'
import { confusionOf, type Decided } from './sampling.ts'

/** Metrics of several classes by the names under which they are measured: each is a mean over the classes. */
const MACRO: Readonly<Record<string, string>> = {
  precision: 'precision_macro',
  recall: 'recall_macro',
  specificity: 'specificity_macro',
  f1: 'f1_macro',
  roc_auc: 'roc_auc_ovr',
  average_precision: 'average_precision_macro',
}

export function macroName(metric: string): string {
  return MACRO[metric] ?? metric
}

/** The metrics that are estimated, by the truths; those that are undefined here are left out. */
export function realisedMetrics(answers: Answers): Record<string, number> {
  if (answers.task === 'regression') return lossesOf(answers.predicted, answers.truths)
  if (answers.task === 'binary' && answers.scores !== null)
    return finite(decidedMetrics({ ...answers, scores: answers.scores, truth: answers.truths }))
  if (answers.task !== 'multiclass' || answers.probabilities === null) return {}
  const { probabilities, width, truths, predicted } = answers
  const classes = Array.from({ length: width }, (_, place) =>
    decidedMetrics({
      scores: Float64Array.from(truths, (__, row) => probabilities[row * width + place] as number),
      predicted: Uint8Array.from(predicted, (said) => Number(said === place)),
      truth: Uint8Array.from(truths, (is) => Number(is === place)),
    }),
  )
  const right = predicted.reduce((all, said, row) => all + Number(said === truths[row]), 0)
  const means = Object.keys(MACRO).map((metric) => [
    macroName(metric),
    classes.reduce((all, each) => all + (each[metric] ?? Number.NaN), 0) / width,
  ])
  return finite({
    ...(Object.fromEntries(means) as Record<string, number>),
    accuracy: right / predicted.length,
  })
}

function decidedMetrics(decided: Decided): Record<string, number> {
  const { tp, fp, fn, tn } = confusionOf(decided)
  const { truth, scores } = decided
  return {
    accuracy: (tp + tn) / truth.length,
    precision: share(tp, fp),
    recall: share(tp, fn),
    specificity: share(tn, fp),
    f1: share(tp, (fp + fn) / 2),
    roc_auc: aucOf([...truth] as Label[], [...scores])?.auc ?? Number.NaN,
    average_precision: averagePrecision(truth, scores),
  }
}

function lossesOf(predicted: Float64Array, truths: Float64Array): Record<string, number> {
  let [absolute, squared] = [0, 0]
  for (const [row, said] of predicted.entries()) {
    const error = said - (truths[row] as number)
    absolute += Math.abs(error)
    squared += error ** 2
  }
  const mse = squared / predicted.length
  return finite({ mae: absolute / predicted.length, mse, rmse: Math.sqrt(mse) })
}

function finite(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)))
}

function share(part: number, rest: number): number {
  return part + rest === 0 ? 0 : part / (part + rest)
}
