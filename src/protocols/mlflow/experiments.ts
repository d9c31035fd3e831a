import { parseExperimentFilter, parseExperimentOrder } from '#tracking'
import type { MlflowApp, MlflowParts } from './app.ts'
import * as messages from './messages.ts'
import type { Static } from 'typebox'
import { pageIn, tokenOf } from './paging.ts'
import {
  artifactLocationIn,
  experimentToWire,
  lifecyclesIn,
  pairsIn,
  unlessEmpty,
} from './translate.ts'
import { Problem } from '#base/problem'

const PAGE = { byDefault: 0, most: 50_000 }

export function experimentRoutes(app: MlflowApp, { tracking, actor }: MlflowParts): void {
  const { experiments } = tracking
  const path = '/mlflow/experiments'

  app.post(`${path}/create`, { schema: { body: messages.CreateExperiment } }, async ({ body }) => {
    const { experimentId } = await experiments.create(actor, {
      name: body.name,
      ...artifactLocationIn(body.artifact_location),
      tags: pairsIn(body.tags),
    })
    return { experiment_id: experimentId }
  })
  app.get(`${path}/get`, { schema: { querystring: messages.ExperimentId } }, async ({ query }) => ({
    experiment: experimentToWire(await experiments.get(query.experiment_id)),
  }))
  app.get(
    `${path}/get-by-name`,
    { schema: { querystring: messages.ExperimentName } },
    async ({ query }) => {
      const experiment = await experiments.findByName(query.experiment_name)
      if (experiment !== undefined) return { experiment: experimentToWire(experiment) }
      throw new Problem(
        'not-found',
        `Could not find experiment with name '${query.experiment_name}'; create it first`,
      )
    },
  )
  app.post(`${path}/update`, { schema: { body: messages.UpdateExperiment } }, async ({ body }) => {
    await experiments.rename(actor, body.experiment_id, body.new_name)
    return {}
  })
  app.post(`${path}/delete`, { schema: { body: messages.ExperimentId } }, async ({ body }) => {
    await experiments.delete(actor, body.experiment_id)
    return {}
  })
  app.post(`${path}/restore`, { schema: { body: messages.ExperimentId } }, async ({ body }) => {
    await experiments.restore(actor, body.experiment_id)
    return {}
  })
  searchRoutes(app, tracking)
  tagRoutes(app, { tracking, actor })
}

function tagRoutes(app: MlflowApp, { tracking, actor }: Omit<MlflowParts, 'registry'>): void {
  app.post(
    '/mlflow/experiments/set-experiment-tag',
    { schema: { body: messages.SetExperimentTag } },
    async ({ body: { experiment_id, key, value = '' } }) => {
      await tracking.experiments.setTag(actor, experiment_id, { key, value })
      return {}
    },
  )
  app.post(
    '/mlflow/experiments/delete-experiment-tag',
    { schema: { body: messages.DeleteExperimentTag } },
    async ({ body }) => {
      await tracking.experiments.deleteTag(actor, body.experiment_id, body.key)
      return {}
    },
  )
}

function searchRoutes(app: MlflowApp, tracking: MlflowParts['tracking']): void {
  const search = async (asked: Static<typeof messages.SearchExperiments>) => {
    const { items, next } = await tracking.experiments.search({
      ...pageIn(asked, PAGE),
      conditions: parseExperimentFilter(asked.filter),
      order: parseExperimentOrder(asked.order_by),
      lifecycles: lifecyclesIn(asked.view_type),
    })
    return { ...unlessEmpty({ experiments: items.map(experimentToWire) }), ...tokenOf(next) }
  }
  app.post(
    '/mlflow/experiments/search-datasets',
    { schema: { body: messages.SearchDatasets } },
    async ({ body }) => {
      const summaries = await tracking.experiments.datasets(body.experiment_ids ?? [])
      return unlessEmpty({
        dataset_summaries: summaries.map(({ experimentId, name, digest, context }) => ({
          experiment_id: experimentId,
          name,
          digest,
          // What is undefined is left out.
          context: context ?? undefined,
        })),
      })
    },
  )
  const path = '/mlflow/experiments/search'
  app.post(path, { schema: { body: messages.SearchExperiments } }, ({ body }) => search(body))
  app.get(path, { schema: { querystring: messages.SearchExperiments } }, ({ query }) =>
    search(query),
  )
}
