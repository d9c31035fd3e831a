import { Problem } from '#base/problem'
import { parseVersionFilter, parseVersionOrder } from '#registry'
import type { MlflowApp, MlflowParts } from './app.ts'
import { authorOf } from './author.ts'
import * as messages from './messages.ts'
import { pageIn, tokenOf } from './paging.ts'
import { stageIn, versionIn, versionToWire } from './translate-registry.ts'
import { pairsIn, unlessEmpty } from './translate.ts'

const PAGE = { byDefault: 10_000, most: 200_000 }
const path = '/mlflow/model-versions'

export function modelVersionRoutes(app: MlflowApp, parts: MlflowParts): void {
  const { registry, actor } = parts
  const { versions } = registry

  app.post(
    `${path}/create`,
    { schema: { body: messages.CreateVersion } },
    async ({ body, headers }) => {
      const version = await registry.registerVersion(authorOf(actor, headers), {
        model: body.name,
        source: body.source,
        ...(body.run_id ? { runId: body.run_id } : {}),
        ...(body.model_id ? { loggedModelId: body.model_id } : {}),
        ...(body.run_link ? { runLink: body.run_link } : {}),
        note: body.description ?? '',
        tags: pairsIn(body.tags),
      })
      return { model_version: versionToWire(version, 'aliases') }
    },
  )
  app.get(`${path}/get`, { schema: { querystring: messages.VersionName } }, async ({ query }) => {
    const version = await versions.get(query.name, versionIn(query.version))
    return { model_version: versionToWire(version, 'aliases') }
  })
  app.patch(
    `${path}/update`,
    { schema: { body: messages.UpdateVersion } },
    async ({ body, headers }) => {
      const { name, version, description = '' } = body
      const noted = await versions.note(
        authorOf(actor, headers),
        name,
        versionIn(version),
        description,
      )
      return { model_version: versionToWire(noted, 'aliases') }
    },
  )
  app.delete(
    `${path}/delete`,
    { schema: { body: messages.VersionName } },
    async ({ body, headers }) => {
      await versions.delete(authorOf(actor, headers), body.name, versionIn(body.version))
      return {}
    },
  )
  app.get(
    `${path}/search`,
    { schema: { querystring: messages.SearchModels } },
    async ({ query }) => {
      const { items, next } = await versions.search({
        ...pageIn(query, PAGE),
        ...parseVersionFilter(query.filter),
        order: parseVersionOrder(query.order_by),
      })
      const found = items.map((version) => versionToWire(version))
      return { ...unlessEmpty({ model_versions: found }), ...tokenOf(next) }
    },
  )
  app.get(
    `${path}/get-download-uri`,
    { schema: { querystring: messages.VersionName } },
    async ({ query }) => {
      const { location } = await versions.get(query.name, versionIn(query.version))
      return { artifact_uri: location }
    },
  )
  changeRoutes(app, parts)
}

function changeRoutes(app: MlflowApp, { registry: { versions }, actor }: MlflowParts): void {
  app.post(
    `${path}/transition-stage`,
    { schema: { body: messages.TransitionStage } },
    async ({ body, headers }) => {
      const stage = stageIn(body.stage)
      const archive = body.archive_existing_versions === true
      if (archive && stage !== 'staging' && stage !== 'production')
        throw new Problem(
          'invalid',
          'archive_existing_versions is only for the stages Staging and Production; leave it out',
        )
      const moved = await versions.move(authorOf(actor, headers), {
        model: body.name,
        version: versionIn(body.version),
        stage,
        others: archive ? 'archive' : 'keep',
      })
      return { model_version: versionToWire(moved, 'aliases') }
    },
  )
  app.post(
    `${path}/set-tag`,
    { schema: { body: messages.SetVersionTag } },
    async ({ headers, body: { name, version, key, value = '' } }) => {
      await versions.setTag(authorOf(actor, headers), name, versionIn(version), { key, value })
      return {}
    },
  )
  app.delete(
    `${path}/delete-tag`,
    { schema: { body: messages.DeleteVersionTag } },
    async ({ body, headers }) => {
      await versions.deleteTag(
        authorOf(actor, headers),
        body.name,
        versionIn(body.version),
        body.key,
      )
      return {}
    },
  )
}
