import type { MonitorConfig } from '#projects'
import {
  boundsIn,
  performanceAgain,
  type JudgedLimit,
  type Limit,
  type MeasuredPerformance,
  type PerformanceSettings,
  type Roles,
} from '#performance'
import type { Json } from '#base/json'
import { lasting, lastingCondition, sameVersion } from '../alerts/conditions.ts'
import type { Condition } from '../alerts/findings.ts'
import type { Part, View } from './part.ts'
import { windowRef, type Window } from '../windows/window.ts'

/** How good the answers were, by the labels that have come. */
export const performance: Part = {
  kind: 'performance',
  due: 'settled',
  withoutRows: (reason) => ({ performance: { state: 'too-few', reason, labels: 0 } }),
  judge: async (view) => {
    const settings = { ...settingsIn(view.monitor), roles: await rolesAt(view) }
    return { performance: await view.work('performance', settings) }
  },
  again: ({ performance: kept }, monitor) => ({
    performance: kept === null ? null : performanceAgain(kept, settingsIn(monitor)),
  }),
  told: ({ performance: found }) => ({
    labels: found?.labels ?? 0,
    ...(found?.state === 'measured' ? toldOf(found) : NOTHING_TOLD),
    performanceSkipped: found?.state === 'too-few' ? found.reason : null,
  }),
  lookback: (monitor) => persistenceOf(monitor).of,
  conditions: performanceConditions,
  finding: (window, { subject, detail }, { task }) => {
    const { performance: found } = window
    const limit = found?.state === 'measured' ? limitWith(found.limits, subject) : undefined
    return {
      type: 'performance-fell',
      data: {
        endpoint: window.endpoint,
        window: windowRef(window).id,
        modelVersion: window.modelVersion,
        metric: limit?.metric ?? subject,
        slice: limit?.of ?? null,
        value: limit?.value ?? null,
        ciLow: limit?.ciLow ?? null,
        ciHigh: limit?.ciHigh ?? null,
        min: limit?.min ?? null,
        max: limit?.max ?? null,
        detail,
      },
      eventMs: task.dueMs,
    }
  },
}

function settingsIn(monitor: MonitorConfig): PerformanceSettings {
  const { by, min_samples: samplesMin, metrics } = monitor.slices ?? {}
  return {
    roles: rolesIn(monitor),
    samplesMin: monitor.min_samples,
    limits: limitsIn(monitor),
    ...(by === undefined
      ? {}
      : {
          slices: {
            by,
            ...(samplesMin === undefined ? {} : { samplesMin }),
            ...(metrics === undefined ? {} : { limits: metrics }),
          },
        }),
  }
}

/**
 * What is said of the answers. Without a word on the task it stays what it was in the window before: a day on
 * which only two of three classes came is no day of another task.
 */
export async function rolesAt(view: View): Promise<Roles> {
  const said = rolesIn(view.monitor)
  if (said.task !== undefined) return said
  const earlier = await view.earlier(EARLIER)
  const known = earlier.findLast(
    (window) =>
      window.modelVersion === view.modelVersion && window.performance?.state === 'measured',
  )?.performance
  return known?.state === 'measured' ? { ...said, task: known.task } : said
}

const EARLIER = 10

/** What a monitor says of how answers are read. */
export function rolesIn({ performance: said }: Pick<MonitorConfig, 'performance'>): Roles {
  if (said === undefined) return {}
  const { task, positive, threshold, prediction, probabilities, classes, group, k } = said
  const roles = { task, positive, threshold, prediction, probabilities, classes, group, k }
  return Object.fromEntries(Object.entries(roles).filter(([, value]) => value !== undefined))
}

/** The metric that is named alone, and the list of them. */
function limitsIn({ performance: said }: MonitorConfig): Limit[] {
  if (said === undefined) return []
  const { metric, min, max, metrics = [] } = said
  const alone =
    metric === undefined
      ? []
      : [
          {
            metric,
            ...(min === undefined ? {} : { min }),
            ...(max === undefined ? {} : { max }),
          },
        ]
  return [...alone, ...metrics]
}

function persistenceOf({ performance: said }: MonitorConfig): { windows: number; of: number } {
  return said?.persistence ?? { windows: 3, of: 5 }
}

/** A metric that no window is asked to keep to is not told in the fact, but for the main one. */
function toldOf({ task, main, metrics, limits }: MeasuredPerformance): Record<string, Json> {
  const metric = metrics[main]
  const value = metric?.value ?? null
  const area = task === 'binary' ? metrics['roc_auc'] : undefined
  return {
    task,
    metric: main,
    value,
    ciLow: metric?.ciLow ?? null,
    ciHigh: metric?.ciHigh ?? null,
    auc: area?.value ?? null,
    calibration: metrics['calibration_difference']?.value ?? null,
    metrics: Object.fromEntries(
      limits
        .filter((each) => each.of === null)
        .slice(0, METRICS_TOLD)
        .map((each) => [each.metric, each.value]),
    ),
  }
}

const METRICS_TOLD = 10

const NOTHING_TOLD: Record<string, Json> = {
  task: null,
  metric: null,
  value: null,
  ciLow: null,
  ciHigh: null,
  auc: null,
  calibration: null,
  metrics: {},
}

/** A metric lies outside what it must keep to: lastingly, or in this window beyond doubt. */
function performanceConditions(
  window: Window,
  earlier: readonly Window[],
  monitor: MonitorConfig,
): readonly Condition[] | 'unjudged' {
  const { performance: found } = window
  if (limitsIn(monitor).length === 0 && monitor.slices?.metrics === undefined) return []
  if (found === null || found.state === 'too-few') return 'unjudged'
  const windows = sameVersion(window, earlier)
  return limitConditions(
    found.limits,
    (limit) =>
      windows.map(({ performance: each }) =>
        each?.state === 'measured' ? findIn(each.limits, limit) : undefined,
      ),
    persistenceOf(monitor),
  )
}

/** The conditions of limits that are judged in each window. */
export function limitConditions(
  limits: readonly JudgedLimit[],
  over: (limit: JudgedLimit) => readonly (JudgedLimit | undefined)[],
  /** `by`: what the limits were judged by, where it is no labels. */
  { by = 'labels', ...persistence }: { windows: number; of: number; by?: string },
): Condition[] {
  return limits.map((limit): Condition => {
    const subject = subjectOf(limit)
    if (limit.breach === 'unknown') return { state: 'open', subject }
    const value = valueIn(limit, by)
    if (limit.breach === 'certainly')
      return {
        state: 'holds',
        subject,
        severity: 'critical',
        detail: `${value} is beyond doubt not ${boundsIn(limit)}`,
      }
    const flags = over(limit).map((each) =>
      each === undefined || each.breach === 'unknown' ? null : each.breach !== 'no',
    )
    const detail = `${value}; not ${boundsIn(limit)}, ${lasting(persistence)}`
    return lastingCondition(flags, persistence, { subject, severity: 'warning', detail })
  })
}

export function findIn(
  limits: readonly JudgedLimit[],
  { metric, of }: JudgedLimit,
): JudgedLimit | undefined {
  return limits.find((each) => each.metric === metric && each.of === of)
}

/** The limit that an alert's subject names. */
export function limitWith(
  limits: readonly JudgedLimit[],
  subject: string,
): JudgedLimit | undefined {
  return limits.find((each) => subjectOf(each) === subject)
}

/** `rmse`, or `rmse of carrier=UA`. */
function subjectOf({ metric, of }: JudgedLimit): string {
  return of === null ? metric : `${metric} of ${of}`
}

function valueIn(limit: JudgedLimit, by: string): string {
  const { value, ciLow, ciHigh, labels } = limit
  const interval =
    ciLow === null || ciHigh === null ? '' : `${digits(ciLow)} to ${digits(ciHigh)}, `
  return `${subjectOf(limit)} ${digits(value ?? Number.NaN)} (${interval}${labels} ${by})`
}

/** Four digits that count. */
function digits(value: number): string {
  return String(Number(value.toPrecision(4)))
}
