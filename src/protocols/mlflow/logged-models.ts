import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Problem } from '#base/problem'
import {
  parseLoggedModelFilter,
  parseLoggedModelOrder,
  type LoggedModelField,
  type Order,
} from '#tracking'
import type { MlflowApp, MlflowParts } from './app.ts'
import { decodedPath, listing } from './artifacts.ts'
import * as messages from './messages.ts'
import { pageIn, tokenOf } from './paging.ts'
import { loggedModelStatusIn, loggedModelToWire, pairsIn, unlessEmpty } from './translate.ts'

const PAGE = { byDefault: 100, most: 1000 }
const ModelId = Type.Object({ model_id: Type.String() })
const TagKey = Type.Object({ model_id: Type.String(), key: Type.String() })
const path = '/mlflow/logged-models'

export function loggedModelRoutes(app: MlflowApp, parts: MlflowParts): void {
  const { tracking, actor } = parts
  const { loggedModels } = tracking

  app.post(path, { schema: { body: messages.CreateLoggedModel } }, async ({ body }) => {
    const model = await loggedModels.create({
      experimentId: body.experiment_id,
      ...(body.name ? { name: body.name } : {}),
      ...(body.source_run_id ? { sourceRunId: body.source_run_id } : {}),
      modelType: body.model_type ?? '',
      params: pairsIn(body.params),
      tags: pairsIn(body.tags),
    })
    return { model: loggedModelToWire(model) }
  })
  app.get(
    `${path}/:model_id`,
    { schema: { params: ModelId, querystring: messages.GetLoggedModel } },
    async ({ params, query }) => {
      const deleted = query.allow_deleted === true ? 'allow' : 'refuse'
      return { model: loggedModelToWire(await loggedModels.get(params.model_id, { deleted })) }
    },
  )
  app.patch(
    `${path}/:model_id`,
    { schema: { params: ModelId, body: messages.FinalizeLoggedModel } },
    async ({ params, body }) => {
      const status = loggedModelStatusIn(body.status)
      const model = await loggedModels.setStatus(actor, params.model_id, status)
      return { model: loggedModelToWire(model) }
    },
  )
  app.delete(`${path}/:model_id`, { schema: { params: ModelId } }, async ({ params }) => {
    await loggedModels.delete(actor, params.model_id)
    return {}
  })
  app.post(
    `${path}/search`,
    { schema: { body: messages.SearchLoggedModels } },
    async ({ body }) => {
      const { items, next } = await loggedModels.search(searchIn(body))
      return { ...unlessEmpty({ models: items.map(loggedModelToWire) }), ...tokenOf(next) }
    },
  )
  detailRoutes(app, parts)
}

function detailRoutes(app: MlflowApp, { tracking }: MlflowParts): void {
  const { loggedModels, artifacts } = tracking
  app.patch(
    `${path}/:model_id/tags`,
    { schema: { params: ModelId, body: messages.LoggedModelTags } },
    async ({ params, body }) => {
      await loggedModels.setTags(params.model_id, pairsIn(body.tags))
      return {}
    },
  )
  app.delete(`${path}/:model_id/tags/:key`, { schema: { params: TagKey } }, async ({ params }) => {
    await loggedModels.deleteTag(params.model_id, params.key)
    return {}
  })
  app.post(
    `${path}/:model_id/params`,
    { schema: { params: ModelId, body: messages.LoggedModelParams } },
    async ({ params, body }) => {
      await loggedModels.addParams(params.model_id, pairsIn(body.params))
      return {}
    },
  )
  app.get(
    `${path}/:model_id/artifacts/directories`,
    { schema: { params: ModelId, querystring: messages.LoggedModelFolder } },
    async ({ params, query }) => {
      const folder = await artifacts.folderOf({ model: params.model_id })
      return listing(folder, decodedPath(query.artifact_directory_path ?? ''))
    },
  )
}

function searchIn(body: Static<typeof messages.SearchLoggedModels>) {
  const datasets = (body.datasets ?? []).map(datasetIn)
  const experimentIds = body.experiment_ids ?? []
  if (experimentIds.length === 0)
    throw new Problem(
      'invalid',
      "Missing value for required parameter 'experiment_ids'. Name the experiments to look in",
    )
  return {
    ...pageIn({ ...body, max_results: body.max_results || PAGE.byDefault }, PAGE),
    experimentIds,
    datasets,
    conditions: parseLoggedModelFilter(body.filter, datasets),
    order: (body.order_by ?? []).map(orderIn),
  }
}

function orderIn(
  asked: NonNullable<Static<typeof messages.SearchLoggedModels>['order_by']>[number],
): Order<LoggedModelField> {
  const { field_name, ascending = true, dataset_name, dataset_digest } = asked
  const datasets = dataset_name
    ? [datasetIn({ dataset_name, ...(dataset_digest ? { dataset_digest } : {}) })]
    : []
  const [order] = parseLoggedModelOrder([quotedKey(field_name)], datasets)
  return { field: (order as Order<LoggedModelField>).field, descending: !ascending }
}

/** Keys stand here as they are, so one with odd characters gets the quotes that the grammar wants. */
function quotedKey(name: string): string {
  const [, entity, key = ''] = /^(metrics|params|tags)\.(.+)$/.exec(name) ?? []
  return entity === undefined || /^[`"]/.test(key) ? name : `${entity}.\`${key}\``
}

function datasetIn(wire: { dataset_name: string; dataset_digest?: string }) {
  return {
    name: wire.dataset_name,
    ...(wire.dataset_digest ? { digest: wire.dataset_digest } : {}),
  }
}
