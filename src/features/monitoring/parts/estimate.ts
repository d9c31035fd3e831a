import type { Json } from '#base/json'
import type { MonitorConfig } from '#projects'
import { betterOf, MAIN, metricOf, type Estimate } from '#performance'
import { lasting, lastingCondition, sameVersion } from '../alerts/conditions.ts'
import type { EstimateLimit, EstimateVerdict, KeptEstimator, Scored } from './estimate-verdict.ts'
import type { Condition } from '../alerts/findings.ts'
import type { Part, View } from './part.ts'
import { windowRef, type Window } from '../windows/window.ts'
import { rolesAt } from './performance.ts'

/** At a window's end. */
export const estimate: Part = {
  kind: 'estimate',
  due: 'closed',
  judge: async (view) => ({ estimate: await estimated(view) }),
  withoutRows: (reason) => ({ estimate: { state: 'skipped', reason } }),
  again: ({ estimate: kept }, monitor) =>
    kept === undefined ? {} : { estimate: again(kept, monitor) },
  told: ({ estimate: found }): Record<string, Json> => {
    if (found?.state !== 'estimated') return {}
    const named = found.estimates.map(({ metric, value }): [string, Json] => [metric, value])
    return { estimated: Object.fromEntries(named) }
  },
  lookback: (monitor) => persistenceOf(monitor).of,
  conditions: estimateConditions,
  finding: (window, { detail }, { task }) => {
    const found = window.estimate?.state === 'estimated' ? window.estimate : null
    const limit = found?.limit ?? null
    const own = found?.estimates.find(({ metric }) => metric === limit?.metric)
    return {
      type: 'estimate-fell',
      data: {
        endpoint: window.endpoint,
        window: windowRef(window).id,
        modelVersion: window.modelVersion,
        metric: limit?.metric ?? null,
        value: own?.value ?? null,
        ciLow: own?.ciLow ?? null,
        ciHigh: own?.ciHigh ?? null,
        min: limit?.min ?? null,
        max: limit?.max ?? null,
        detail,
      },
      eventMs: task.dueMs,
    }
  },
}

/** Once the labels have had their time. */
export const estimateScored: Part = {
  kind: 'estimate',
  due: 'settled',
  withoutRows: () => ({}),
  judge: async (view) => {
    const { estimate: found } = view.found
    if (found?.state !== 'estimated') return {}
    const known = await view.estimator(await rolesAt(view))
    if (known.state === 'unknown') return {}
    return { estimate: { ...found, scored: await scoredBy(view, known, found.estimates) } }
  },
  lookback: () => 0,
  conditions: () => 'unjudged',
}

async function estimated(view: View): Promise<EstimateVerdict> {
  const { monitor, modelVersion } = view
  const all = await view.rows()
  const count = all.reduce((sum, row) => sum + Number(row.modelVersion === modelVersion), 0)
  if (count < monitor.min_samples)
    return {
      state: 'skipped',
      reason: `${count} predictions are fewer than ${monitor.min_samples}`,
    }
  const known = await view.estimator(await rolesAt(view))
  if (known.state === 'unknown') return { state: 'skipped', reason: known.reason }
  const { estimator, fromMs, toMs } = known
  const found = await view.work('estimate', { estimator, modelVersion })
  const estimates = found.filter(({ value }) => Number.isFinite(value))
  if (estimates.length === 0)
    return { state: 'skipped', reason: 'the answers cannot be read as those before' }
  const limit = limitOf(monitor, known)
  return {
    state: 'estimated',
    method: estimator.fitted.method,
    predictions: count,
    estimates,
    fittedOn: { rows: estimator.rows, fromMs, toMs },
    limit,
    outside: outsideOf(estimates, limit, known),
    scored: null,
  }
}

function limitOf(monitor: MonitorConfig, { estimator }: KeptEstimator): EstimateLimit | null {
  const { task, usual } = estimator
  const said = monitor.estimate?.metric === undefined ? monitor.performance : monitor.estimate
  const metric = metricOf(task, said?.metric ?? MAIN[task]) ?? MAIN[task]
  const { min, max } = said ?? {}
  if (said?.metric !== undefined && (min !== undefined || max !== undefined))
    return { metric, min: min ?? null, max: max ?? null, from: 'config' }
  const known = usual[metric]
  if (known === undefined) return null
  const isHigherBetter = betterOf(task, metric) === 'higher'
  return {
    metric,
    min: isHigherBetter ? known.low : null,
    max: isHigherBetter ? null : known.high,
    from: 'usual',
  }
}

/** What was usual is known as far as it was looked at. */
function again(kept: EstimateVerdict, monitor: MonitorConfig): EstimateVerdict {
  if (kept.state === 'skipped') return kept
  if (kept.predictions < monitor.min_samples)
    return {
      state: 'skipped',
      reason: `${kept.predictions} predictions are fewer than ${monitor.min_samples}`,
    }
  const { estimates } = kept
  const said = monitor.estimate?.metric === undefined ? monitor.performance : monitor.estimate
  const { metric: named, min = null, max = null } = said ?? {}
  const isSaid = named !== undefined && (min !== null || max !== null)
  if (!isSaid) {
    if (kept.limit?.from === 'usual') return kept
    return { ...kept, limit: null, outside: 'no' }
  }
  const tasks = kept.method === 'dle' ? (['regression'] as const) : CLASSIFYING
  const names = new Set(tasks.map((task) => metricOf(task, named) ?? named))
  const metric = estimates.find((each) => names.has(each.metric))?.metric ?? named
  const limit: EstimateLimit = { metric, min, max, from: 'config' }
  return { ...kept, limit, outside: beyond(estimates, limit) }
}

const CLASSIFYING = ['binary', 'multiclass'] as const

/** What is only unusual must also be further from the usual than a window of this size is by chance. */
function outsideOf(
  estimates: readonly Estimate[],
  limit: EstimateLimit | null,
  { estimator }: KeptEstimator,
): 'no' | 'yes' | 'certainly' {
  const own = estimates.find(({ metric }) => metric === limit?.metric)
  if (limit === null || own === undefined) return 'no'
  const middle = estimator.usual[limit.metric]?.value
  const isUsual =
    limit.from === 'usual' &&
    middle !== undefined &&
    (own.ciLow ?? -Infinity) <= middle &&
    middle <= (own.ciHigh ?? Infinity)
  return isUsual ? 'no' : beyond(estimates, limit)
}

/** Outside, and with its whole interval so. */
function beyond(estimates: readonly Estimate[], { metric, min, max }: EstimateLimit) {
  const own = estimates.find((each) => each.metric === metric)
  if (own === undefined) return 'no'
  const { value, ciLow, ciHigh } = own
  if (!((min !== null && value < min) || (max !== null && value > max))) return 'no'
  const isCertain =
    (min !== null && (ciHigh ?? Infinity) < min) || (max !== null && (ciLow ?? -Infinity) > max)
  return isCertain ? 'certainly' : 'yes'
}

async function scoredBy(
  view: View,
  { estimator }: KeptEstimator,
  estimates: readonly Estimate[],
): Promise<Scored | null> {
  const rows = (await view.rows()).filter(
    (row) => row.modelVersion === view.modelVersion && row.label !== null,
  )
  if (rows.length === 0) return null
  const real = await view.work('realised', { estimator, modelVersion: view.modelVersion })
  const metrics = estimates.flatMap(({ metric, value, ciLow, ciHigh }) => {
    const truth = real[metric]
    if (truth === undefined) return []
    const within = (ciLow ?? -Infinity) <= truth && truth <= (ciHigh ?? Infinity)
    return [[metric, { realised: truth, error: value - truth, within }] as const]
  })
  return { labels: rows.length, metrics: Object.fromEntries(metrics) }
}

function estimateConditions(
  window: Window,
  earlier: readonly Window[],
  monitor: MonitorConfig,
): readonly Condition[] | 'unjudged' {
  const { estimate: found } = window
  if (found?.state !== 'estimated') return 'unjudged'
  const { limit, estimates } = found
  const own = estimates.find(({ metric }) => metric === limit?.metric)
  if (limit === null || own === undefined) return []
  const persistence = persistenceOf(monitor)
  const flags = sameVersion(window, earlier).map(({ estimate: each }) =>
    each?.state === 'estimated' ? each.outside !== 'no' : null,
  )
  const bound = limit.min === null ? `above ${digits(limit.max)}` : `below ${digits(limit.min)}`
  const whose = limit.from === 'usual' ? `${bound}, the end of what is usual` : bound
  const value = `estimated ${own.metric} ${digits(own.value)} (${digits(own.ciLow)} to ${digits(own.ciHigh)}, ${found.predictions} predictions, no truth yet)`
  const detail = `${value}; ${whose}, ${lasting(persistence)}`
  return [lastingCondition(flags, persistence, { subject: '', severity: 'warning', detail })]
}

function persistenceOf(monitor: MonitorConfig): { windows: number; of: number } {
  return monitor.estimate?.persistence ?? monitor.performance?.persistence ?? { windows: 3, of: 5 }
}

function digits(value: number | null): string {
  return value === null ? 'unknown' : value.toFixed(3)
}
