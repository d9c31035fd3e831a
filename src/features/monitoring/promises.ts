import { limitProblems } from '#performance'
import type { MonitorConfig } from '#projects'

/** What an endpoint's monitor says that cannot be, each with the section that says it. */
export function monitorProblems({ performance, slices }: MonitorConfig): string[] {
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
    ...lone,
    ...[...alone, ...metrics].flatMap((limit) => told('performance', limitProblems(limit, task))),
    ...(slices?.metrics ?? []).flatMap((limit) => told('slices', limitProblems(limit, task))),
  ]
}

function told(section: string, problems: readonly string[]): string[] {
  return problems.map((problem) => `${section}: ${problem}`)
}
