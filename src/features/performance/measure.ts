import { binaryMetrics } from './binary.ts'
import { K, metricOf } from './catalogue.ts'
import { none } from './intervals.ts'
import { multiclassMetrics } from './multiclass.ts'
import { multilabelMetrics } from './multilabel.ts'
import { rankingMetrics } from './ranking.ts'
import { regressionMetrics } from './regression.ts'
import type { Answers, LazyMetrics, Metric, Metrics } from './tasks.ts'

/** All metrics of a sample, each worked out when it is asked for. */
export function metricsOf(answers: Answers, ks: readonly number[] = [K]): LazyMetrics {
  if (answers.task === 'binary') return binaryMetrics(answers)
  if (answers.task === 'multiclass') return multiclassMetrics(answers)
  if (answers.task === 'multilabel') return multilabelMetrics(answers)
  if (answers.task === 'regression') return regressionMetrics(answers)
  return rankingMetrics(answers, ks)
}

/** Metrics of a sample by their names: those asked for, or all. One that the task does not have says so. */
export function measure(
  answers: Answers,
  { only, k = K }: { only?: readonly string[]; k?: number } = {},
): Metrics {
  const ks = [k, ...(only ?? []).map((name) => Number(name.split('@')[1])).filter(Boolean)]
  const metrics = metricsOf(answers, [...new Set(ks)])
  const names = only ?? Object.keys(metrics)
  const isEmpty =
    answers.rows.length === 0 || (answers.task === 'multilabel' && answers.labels.length === 0)
  return Object.fromEntries(
    names.map((name): [string, Metric] => {
      const known = metricOf(answers.task, name, k) ?? name
      const metric = metrics[known]
      if (metric === undefined) return [name, none(`${answers.task} has no metric ${name}`)]
      return [known, isEmpty ? none('there are no rows, or no labels') : metric()]
    }),
  )
}
