import type { Static } from 'typebox'
import { Problem } from '#base/problem'
import { parseModelFilter, parseModelOrder } from '#registry'
import type { MlflowApp, MlflowParts } from './app.ts'
import { authorOf } from './author.ts'
import * as messages from './messages.ts'
import { pageIn, tokenOf } from './paging.ts'
import { inOrder, modelToWire, stageIn, versionIn, versionToWire } from './translate-registry.ts'
import { pairsIn, unlessEmpty } from './translate.ts'

const PAGE = { byDefault: 100, most: 1000 }
const path = '/mlflow/registered-models'

export function registeredModelRoutes(app: MlflowApp, parts: MlflowParts): void {
  const { registry, actor } = parts
  const { models } = registry

  app.post(
    `${path}/create`,
    { schema: { body: messages.CreateModel } },
    async ({ body, headers }) => {
      const model = await models.create(authorOf(actor, headers), {
        name: body.name,
        note: body.description ?? '',
        tags: pairsIn(body.tags),
      })
      return { registered_model: modelToWire(model) }
    },
  )
  app.get(`${path}/get`, { schema: { querystring: messages.ModelName } }, async ({ query }) => ({
    registered_model: modelToWire(await models.get(query.name)),
  }))
  app.post(
    `${path}/rename`,
    { schema: { body: messages.RenameModel } },
    async ({ body, headers }) => ({
      registered_model: modelToWire(
        await models.rename(authorOf(actor, headers), body.name, body.new_name),
      ),
    }),
  )
  app.patch(
    `${path}/update`,
    { schema: { body: messages.UpdateModel } },
    async ({ body, headers }) => ({
      registered_model: modelToWire(
        await models.note(authorOf(actor, headers), body.name, body.description ?? ''),
      ),
    }),
  )
  app.delete(
    `${path}/delete`,
    { schema: { body: messages.ModelName } },
    async ({ body, headers }) => {
      await models.delete(authorOf(actor, headers), body.name)
      return {}
    },
  )
  app.post(
    `${path}/set-tag`,
    { schema: { body: messages.SetModelTag } },
    async ({ headers, body: { name, key, value = '' } }) => {
      await models.setTag(authorOf(actor, headers), name, { key, value })
      return {}
    },
  )
  app.delete(
    `${path}/delete-tag`,
    { schema: { body: messages.DeleteModelTag } },
    async ({ body, headers }) => {
      await models.deleteTag(authorOf(actor, headers), body.name, body.key)
      return {}
    },
  )
  searchRoute(app, parts)
  aliasRoutes(app, parts)
  latestRoutes(app, parts)
}

function searchRoute(app: MlflowApp, { registry: { models } }: MlflowParts): void {
  app.get(
    `${path}/search`,
    { schema: { querystring: messages.SearchModels } },
    async ({ query }) => {
      const { items, next } = await models.search({
        ...pageIn(query, PAGE),
        ...parseModelFilter(query.filter),
        order: parseModelOrder(query.order_by),
      })
      return { ...unlessEmpty({ registered_models: items.map(modelToWire) }), ...tokenOf(next) }
    },
  )
}

function aliasRoutes(app: MlflowApp, { registry, actor }: MlflowParts): void {
  app.post(`${path}/alias`, { schema: { body: messages.SetAlias } }, async ({ body, headers }) => {
    const version = versionIn(body.version)
    await registry.aliases.set(authorOf(actor, headers), {
      model: body.name,
      alias: body.alias,
      version,
    })
    return {}
  })
  app.delete(
    `${path}/alias`,
    { schema: { body: messages.AliasName } },
    async ({ body, headers }) => {
      await registry.aliases.delete(authorOf(actor, headers), body.name, body.alias)
      return {}
    },
  )
  app.get(`${path}/alias`, { schema: { querystring: messages.AliasName } }, async ({ query }) => ({
    model_version: versionToWire(await registry.aliases.get(query.name, query.alias), 'aliases'),
  }))
}

function latestRoutes(app: MlflowApp, { registry }: MlflowParts): void {
  const latest = async ({ name, stages = [] }: Static<typeof messages.LatestVersions>) => {
    if (name === '') throw new Problem('invalid', "Missing value for required parameter 'name'")
    const newest = await registry.versions.newest(name, stages.map(stageIn))
    return unlessEmpty({
      model_versions: inOrder(newest).map((version) => versionToWire(version, 'aliases')),
    })
  }
  app.post(
    `${path}/get-latest-versions`,
    { schema: { body: messages.LatestVersions } },
    async ({ body }) => latest(body),
  )
  app.get(
    `${path}/get-latest-versions`,
    { schema: { querystring: messages.LatestVersions } },
    async ({ query }) => latest(query),
  )
}
