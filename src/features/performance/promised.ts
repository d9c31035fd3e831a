import { METRICS, metricOf } from './catalogue.ts'
import type { Limit } from './limits.ts'
import { TASKS, type Task } from './tasks.ts'

/** What is wrong with a limit, in sentences: a metric that no task has, or bounds that it can never lie within. */
export function limitProblems({ metric, min, max }: Limit, task?: Task): string[] {
  const tasks = (task === undefined ? TASKS : [task]).filter(
    (each) => metricOf(each, metric) !== undefined,
  )
  if (tasks.length === 0) return [unknownMetric(metric, task)]
  if (min === undefined && max === undefined)
    return [`${metric}: say the least or the most that it may be, with min or max`]
  if (min !== undefined && max !== undefined && min > max)
    return [`${metric}: min ${min} is more than max ${max}`]
  if (min !== undefined && tasks.every((each) => min > mostOf(each, metric)))
    return [`min ${min} can never be reached: ${metric} is at most 1`]
  return []
}

function unknownMetric(metric: string, task: Task | undefined): string {
  if (task !== undefined)
    return `${task} has no metric ${metric}; it has ${Object.keys(METRICS[task]).join(', ')}`
  const all = TASKS.map((each) => `${each}: ${Object.keys(METRICS[each]).join(', ')}`)
  return `there is no metric ${metric}; there are ${all.join('; ')}`
}

/** The largest value that a metric can have. */
function mostOf(task: Task, metric: string): number {
  const name = (metricOf(task, metric) ?? metric).split('@')[0] ?? ''
  if (METRICS[task][name] !== 'higher' || name === 'lift_10') return Infinity
  return 1
}
