import { FAIRNESS_METRICS, limitProblems } from '#performance'
import type { MonitorConfig } from '#projects'
import { referenceProblems } from './past.ts'

/** What an endpoint's monitor says that cannot be, each with the section that says it. */
export function monitorProblems(monitor: MonitorConfig): string[] {
  const { reference, performance, slices, fairness, kpis } = monitor
  const { task, metric, min, max, metrics = [] } = performance ?? {}
  const bounds = {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  }
  const alone = metric === undefined ? [] : [{ metric, ...bounds }]
  const lone =
    metric === undefined && Object.keys(bounds).length > 0
      ? ['performance: min and max are of a metric; name it with metric']
      : []
  return [
    ...told('reference', referenceProblems(reference)),
    ...told('window', countProblems(monitor)),
    ...lone,
    ...[...alone, ...metrics].flatMap((limit) => told('performance', limitProblems(limit, task))),
    ...(slices?.metrics ?? []).flatMap((limit) => told('slices', limitProblems(limit, task))),
    ...told('fairness', fairnessProblems(fairness)),
    ...Object.entries(kpis ?? {}).flatMap(([name, kpi]) => told(`kpis.${name}`, kpiProblems(kpi))),
  ]
}

function countProblems({ window, reference }: MonitorConfig): string[] {
  if (window.count === undefined)
    return window.longest === undefined
      ? []
      : ['longest is of windows by count; say count, or size']
  return reference === 'previous' || reference === 'same-weekday'
    ? [`windows by count lie at no hour, so that reference: ${reference} means nothing to them`]
    : []
}

function fairnessProblems(fairness: MonitorConfig['fairness']): string[] {
  return (fairness?.metrics ?? [])
    .filter(({ metric }) => !FAIRNESS_METRICS.includes(metric))
    .map(({ metric }) => `there is no metric ${metric}; there are ${FAIRNESS_METRICS.join(', ')}`)
}

function kpiProblems({ outcomes, sql }: NonNullable<MonitorConfig['kpis']>[string]): string[] {
  return (outcomes === undefined) === (sql === undefined)
    ? ['say either what outcomes are worth, with outcomes, or a question over the rows, with sql']
    : []
}

function told(section: string, problems: readonly string[]): string[] {
  return problems.map((problem) => `${section}: ${problem}`)
}
