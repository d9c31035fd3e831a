import { Problem } from '#base/problem'
import type { Metric } from '#tracking'
import type { MlflowApp, MlflowParts } from './app.ts'
import * as messages from './messages.ts'
import { pageIn, tokenOf } from './paging.ts'
import { metricToWire, runIdIn, unlessEmpty } from './translate.ts'

/** Points of one answer about one metric, of one about many runs, and of a chart. */
const HISTORY_PAGE = { byDefault: 25_000, most: 50_000 }
const BULK = { runs: 100, points: 25_000 } as const
const CHART = { byDefault: 2500, most: 2500 }

/** What runs told of a metric. */
export function metricRoutes(app: MlflowApp, { tracking }: MlflowParts): void {
  const path = '/mlflow/metrics'
  app.get(
    `${path}/get-history`,
    { schema: { querystring: messages.MetricHistory } },
    async ({ query }) => {
      const page = { key: query.metric_key, ...pageIn(query, HISTORY_PAGE) }
      const { items, next } = await tracking.metricHistory(runIdIn(query), page)
      return { ...unlessEmpty({ metrics: items.map(metricToWire) }), ...tokenOf(next) }
    },
  )
  app.get(
    `${path}/get-history-bulk`,
    { schema: { querystring: messages.MetricHistoryBulk } },
    async ({ query }) => {
      const runIds = runsIn('run_id', query.run_id)
      const { limit } = pageIn(query, { byDefault: BULK.points, most: Number.MAX_SAFE_INTEGER })
      let left = Math.min(limit, BULK.points)
      const metrics = []
      for (const runId of new Set(runIds.toSorted())) {
        if (left <= 0) break
        const { items } = await tracking.metricHistory(runId, {
          key: query.metric_key,
          limit: left,
        })
        left -= items.length
        metrics.push(...items.map((item) => ofRun(runId, item)))
      }
      return { metrics }
    },
  )
  app.get(
    `${path}/get-history-bulk-interval`,
    { schema: { querystring: messages.MetricInterval } },
    async ({ query }) => {
      const { limit } = pageIn(query, CHART)
      const sample = { key: query.metric_key, most: limit, ...stepsIn(query) }
      const metrics = []
      for (const runId of runsIn('run_ids', query.run_ids)) {
        const points = await tracking.sampleMetric(runId, sample)
        metrics.push(...points.map((point) => ofRun(runId, point)))
      }
      return unlessEmpty({ metrics })
    },
  )
}

function ofRun(runId: string, metric: Metric) {
  return { ...metricToWire(metric), run_id: runId }
}

function runsIn(parameter: string, runIds: readonly string[] = []): readonly string[] {
  if (runIds.length >= 1 && runIds.length <= BULK.runs) return runIds
  throw new Problem(
    'invalid',
    `${parameter} has to name from 1 to ${BULK.runs} runs, not ${runIds.length}`,
  )
}

function stepsIn({ start_step, end_step }: { start_step?: number; end_step?: number }) {
  if (start_step === undefined && end_step === undefined) return {}
  if (start_step === undefined || end_step === undefined)
    throw new Problem('invalid', 'give both start_step and end_step, or neither')
  if (start_step > end_step)
    throw new Problem('invalid', `start_step ${start_step} is after end_step ${end_step}`)
  return { steps: { first: start_step, last: end_step } }
}
