import type { MonitorConfig } from '#projects'
import type { Window } from '../windows/window.ts'

type Section = keyof MonitorConfig

/** What the rule asks that what was kept cannot say, in sentences. */
export function notesOn(of: {
  monitor: MonitorConfig
  running: MonitorConfig
  windows: readonly Window[]
  /** Windows of this length were kept. */
  kept: boolean
}): string[] {
  const { monitor, running, windows, kept } = of
  const differs = (section: Section) =>
    JSON.stringify(monitor[section]) !== JSON.stringify(running[section])
  if (!kept)
    return [
      `no window of ${monitor.window.size} was kept: drift is told from hourly profiles, and all else needs windows of ${running.window.size}`,
    ]
  const notes: string[] = []
  if (monitor.window.by !== running.window.by)
    notes.push('window.by decides when predictions come in: those of the past have their time')
  if (monitor.min_samples < running.min_samples)
    notes.push(
      `windows with fewer than ${running.min_samples} predictions were not looked at but for drift`,
    )
  if (running.multivariate?.enabled === false && monitor.multivariate?.enabled !== false)
    notes.push('multivariate: columns were not looked at together then, and it takes rows')
  if (differs('concept')) notes.push('concept: what its detectors heard is as it was')
  if (JSON.stringify(monitor.slices?.find) !== JSON.stringify(running.slices?.find))
    notes.push('slices.find: the slices are those that were found then')
  if (rolesOf(monitor) !== rolesOf(running))
    notes.push('performance: answers are read as they were then, whatever task and threshold say')
  notes.push(...kpisChanged(monitor, running), ...unmeasured(windows))
  return notes
}

function rolesOf({ performance }: MonitorConfig): string {
  const { task, positive, threshold, prediction, probabilities, classes, group, k } =
    performance ?? {}
  return JSON.stringify([task, positive, threshold, prediction, probabilities, classes, group, k])
}

function kpisChanged(monitor: MonitorConfig, running: MonitorConfig): string[] {
  return Object.entries(monitor.kpis ?? {}).flatMap(([name, { outcomes, sql }]) => {
    const before = running.kpis?.[name]
    if (before === undefined) return [`kpis.${name} was not asked then, and needs rows`]
    return JSON.stringify([outcomes, sql]) === JSON.stringify([before.outcomes, before.sql])
      ? []
      : [`kpis.${name} is what it was asked for then`]
  })
}

/** Limits on what no window knows. */
function unmeasured(windows: readonly Window[]): string[] {
  const asked = new Set<string>()
  const known = new Set<string>()
  for (const { performance, fairness } of windows)
    for (const found of [performance, fairness])
      if (found?.state === 'measured')
        for (const { metric, of, value } of found.limits) {
          const name = of === null ? metric : `${metric} by ${of.split('=')[0]}`
          asked.add(name)
          if (value !== null) known.add(name)
        }
  return [...asked]
    .filter((name) => !known.has(name))
    .map((name) => `${name} was measured in no window of that time`)
}
