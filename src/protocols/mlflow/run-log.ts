import type { MlflowApp, MlflowParts } from './app.ts'
import * as messages from './messages.ts'
import { modelHistoryIn } from './model-history.ts'
import { datasetsIn, metricIn, pairsIn, runIdIn } from './translate.ts'

/** What runs tell while they run. */
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
  app.post('/mlflow/runs/log-model', { schema: { body: messages.LogModel } }, async ({ body }) => {
    await tracking.logModelHistory(runIdIn(body), modelHistoryIn(body.model_json))
    return {}
  })
}
