import { Problem } from '#base/problem'
import type { MlflowApp, MlflowParts } from './app.ts'
import * as messages from './messages.ts'
import { pageIn, tokenOf } from './paging.ts'
import { datasetsIn, metricIn, metricToWire, pairsIn, runIdIn, unlessEmpty } from './translate.ts'

/** Points of one answer about one metric, and of one answer about many runs. */
const HISTORY_PAGE = { byDefault: 25_000, most: 50_000 }
const BULK = { runs: 100, points: 25_000 } as const

/** What runs tell while they run, and what they told of a metric. */
export function runLogRoutes(app: MlflowApp, { tracking }: MlflowParts): void {
  app.post(
    '/mlflow/runs/log-metric',
    { schema: { body: messages.LogMetric } },
    async ({ body }) => {
      await tracking.logMetrics(runIdIn(body), [metricIn(body)])
      return {}
    },
  )
  app.post(
    '/mlflow/runs/log-parameter',
    { schema: { body: messages.KeyedText } },
    async ({ body }) => {
      await tracking.logParams(runIdIn(body), pairsIn([body]))
      return {}
    },
  )
  app.post('/mlflow/runs/set-tag', { schema: { body: messages.KeyedText } }, async ({ body }) => {
    await tracking.setTags(runIdIn(body), pairsIn([body]))
    return {}
  })
  app.post(
    '/mlflow/runs/delete-tag',
    { schema: { body: messages.DeleteRunTag } },
    async ({ body }) => {
      await tracking.deleteTag(runIdIn(body), body.key)
      return {}
    },
  )
  app.post('/mlflow/runs/log-batch', { schema: { body: messages.LogBatch } }, async ({ body }) => {
    await tracking.logBatch(runIdIn(body), {
      metrics: (body.metrics ?? []).map(metricIn),
      params: pairsIn(body.params),
      tags: pairsIn(body.tags),
    })
    return {}
  })
  app.post(
    '/mlflow/runs/log-inputs',
    { schema: { body: messages.LogInputs } },
    async ({ body }) => {
      await tracking.logInputs(runIdIn(body), {
        datasets: datasetsIn(body.datasets),
        models: (body.models ?? []).map((model) => model.model_id),
      })
      return {}
    },
  )
  app.post('/mlflow/runs/outputs', { schema: { body: messages.LogOutputs } }, async ({ body }) => {
    const models = (body.models ?? []).map(({ model_id, step = 0 }) => ({
      modelId: model_id,
      step,
    }))
    await tracking.logOutputs(runIdIn(body), models)
    return {}
  })
  historyRoutes(app, tracking)
}

function historyRoutes(app: MlflowApp, tracking: MlflowParts['tracking']): void {
  app.get(
    '/mlflow/metrics/get-history',
    { schema: { querystring: messages.MetricHistory } },
    async ({ query }) => {
      const page = { key: query.metric_key, ...pageIn(query, HISTORY_PAGE) }
      const { items, next } = await tracking.metricHistory(runIdIn(query), page)
      return { ...unlessEmpty({ metrics: items.map(metricToWire) }), ...tokenOf(next) }
    },
  )
  app.get(
    '/mlflow/metrics/get-history-bulk',
    { schema: { querystring: messages.MetricHistoryBulk } },
    async ({ query }) => {
      const runIds = (query.run_id ?? []).toSorted()
      if (runIds.length === 0 || runIds.length > BULK.runs)
        throw new Problem(
          'invalid',
          `name from 1 to ${BULK.runs} runs by run_id, not ${runIds.length}`,
        )
      const { limit } = pageIn(query, { byDefault: BULK.points, most: Number.MAX_SAFE_INTEGER })
      let left = Math.min(limit, BULK.points)
      const metrics = []
      for (const runId of runIds) {
        if (left <= 0) break
        const page = { key: query.metric_key, limit: left }
        const { items } = await tracking.metricHistory(runId, page)
        left -= items.length
        for (const item of items) metrics.push({ ...metricToWire(item), run_id: runId })
      }
      return unlessEmpty({ metrics })
    },
  )
}
