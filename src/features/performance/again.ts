import { metricOf } from './catalogue.ts'
import type { FairnessVerdict } from './fairness.ts'
import { groupTitle, type GroupBy } from './groups.ts'
import { none } from './intervals.ts'
import { CLASS_MIN, judgedLimit, OVER_ALL, type JudgedLimit, type Limit } from './limits.ts'
import type { MeasuredPerformance, PerformanceSettings, PerformanceVerdict } from './performance.ts'
import type { Metric } from './tasks.ts'

/**
 * What other limits say of answers that were measured before, without the rows. A metric that was not kept is unknown,
 * with a note that says so.
 */
export function performanceAgain(
  kept: PerformanceVerdict,
  { samplesMin, limits = [], slices, roles = {} }: PerformanceSettings,
): PerformanceVerdict {
  const { labels } = kept
  if (labels < samplesMin)
    return { state: 'too-few', reason: `${labels} labels are fewer than ${samplesMin}`, labels }
  if (kept.state === 'too-few') return kept
  const sliced =
    slices === undefined
      ? []
      : slicedAgain(kept, {
          ...slices,
          samplesMin,
          ...(roles.k === undefined ? {} : { k: roles.k }),
        })
  return {
    ...kept,
    limits: [...limits.map((limit) => wholeAgain(kept, limit, roles.k)), ...sliced],
  }
}

/** What other limits say of groups that were compared before. */
export function fairnessAgain(
  kept: FairnessVerdict,
  { by, limits = [] }: { by: readonly GroupBy[]; limits?: readonly Limit[] },
): FairnessVerdict {
  if (kept.state === 'skipped') return kept
  const titles = new Set(by.map(groupTitle))
  const columns = kept.columns.filter((column) => titles.has(column.by))
  const judged = columns.flatMap((column) =>
    limits.map((limit) =>
      judgedLimit(limit, column.metrics[limit.metric] ?? NOT_KEPT, {
        of: column.by,
        labels: column.groups.reduce((all, { rows }) => all + rows, 0),
      }),
    ),
  )
  return { ...kept, columns, limits: judged }
}

const NOT_KEPT: Metric = none('it was not measured then')

function wholeAgain(kept: MeasuredPerformance, limit: Limit, k: number | undefined): JudgedLimit {
  const metric = metricOf(kept.task, limit.metric, k) ?? limit.metric
  return judgedAgain(
    kept,
    { ...limit, metric },
    { of: null, labels: kept.labels, metrics: kept.metrics },
  )
}

function slicedAgain(
  kept: MeasuredPerformance,
  {
    by,
    samplesMin,
    limits = [],
    k,
  }: {
    by: readonly GroupBy[]
    samplesMin: number
    limits?: readonly Limit[]
    k?: number
  },
): JudgedLimit[] {
  const titles = new Set(by.map(groupTitle))
  return kept.slices
    .filter((each) => titles.has(each.by))
    .flatMap(({ by: title, slices }) =>
      slices
        .filter(({ labels }) => labels >= samplesMin)
        .flatMap(({ value, labels, metrics }) =>
          limits.map((limit) => {
            const metric = metricOf(kept.task, limit.metric, k) ?? limit.metric
            const of = `${title}=${value}`
            return judgedAgain(kept, { ...limit, metric }, { of, labels, metrics: metrics ?? {} })
          }),
        ),
    )
}

/** A limit on the same metric says best what was measured; else the metric that was kept. */
function judgedAgain(
  { limits, task, confusion }: MeasuredPerformance,
  limit: Limit,
  {
    of,
    labels,
    metrics,
  }: { of: string | null; labels: number; metrics: MeasuredPerformance['metrics'] },
): JudgedLimit {
  const before = limits.find((each) => each.metric === limit.metric && each.of === of)
  if (before !== undefined) {
    const { value, ciLow, ciHigh, note } = before
    const tooFew = before.breach === 'unknown' && value !== null ? note : undefined
    const metric = { value, ciLow, ciHigh, ...(note === undefined ? {} : { note }) }
    return judgedLimit(limit, metric, { of, labels, tooFew })
  }
  const metric = metrics[limit.metric] ?? NOT_KEPT
  if (task !== 'binary' || OVER_ALL.has(limit.metric) || metric.value === null)
    return judgedLimit(limit, metric, { of, labels })
  const events =
    of === null
      ? (confusion?.counts[1] ?? []).reduce((all, count) => all + count, 0)
      : Math.round((metrics['event_rate']?.value ?? 0) * labels)
  const least = Math.min(events, labels - events)
  const tooFew =
    least < CLASS_MIN ? `${least} labels of one class are fewer than ${CLASS_MIN}` : undefined
  return judgedLimit(limit, metric, { of, labels, tooFew })
}
