import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import {
  CHANGE_KINDS,
  type ChangeKind,
  type KeptChange,
  type ModelThen,
  type ModelVersion,
  type Registry,
  type VersionOrigin,
} from '#registry'
import {
  AliasesWire,
  HistoryWire,
  ModelsWire,
  OneModelWire,
  VersionsWire,
  type ChangeWire,
  type ModelWire,
  type VersionWire,
} from './models-wire.ts'
import { MOMENT, momentIn } from './moments.ts'
import { plainJson } from './runs.ts'

const AsOf = Type.Optional(Type.String({ description: MOMENT }))
const ListQuery = Type.Object({
  as_of: AsOf,
  kind: Type.Enum(['model', 'prompt'], { default: 'model' }),
  search: Type.Optional(Type.String({ maxLength: 300, description: 'Names that hold this.' })),
  after: Type.Optional(Type.String({ description: 'Names after this one.' })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
})
const AsOfQuery = Type.Object({ as_of: AsOf })
const VersionsQuery = Type.Object({
  as_of: AsOf,
  before: Type.Optional(Type.Integer({ minimum: 1, description: 'Versions below this number.' })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
})
const HistoryQuery = Type.Object({
  kind: Type.Optional(
    Type.Array(Type.Enum([...CHANGE_KINDS]), {
      description: 'Only these kinds of change; repeat the parameter for several.',
    }),
  ),
  before: Type.Optional(Type.Integer({ minimum: 0, description: 'Changes before this entry.' })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
  life: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'An earlier model of that name, as `lives` tells them.',
    }),
  ),
})
const Model = Type.Object({ model: Type.String() })

/** Now is as late as any change. */
const NOW = Number.MAX_SAFE_INTEGER

/** The registry as it is and as it was, and each change of it. */
export function registryHistoryRoutes(app: FastifyInstance, { history }: Registry): void {
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/models',
    {
      schema: {
        summary: 'List registered models by name, as they are or as they were',
        querystring: ListQuery,
        response: { 200: ModelsWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ query: { as_of, ...page } }) => {
      const { atMs, asOf } = momentOf(as_of)
      const { models, next } = await history.modelsAt(atMs, page)
      return { asOf, models: models.map(modelToWire), next }
    },
  )
  modelRoutes(app, history)
  app.get<{ Params: { model: string }; Querystring: Static<typeof HistoryQuery> }>(
    '/models/:model/history',
    {
      schema: {
        summary: 'Every change of a model, its versions, aliases, stages, tags and descriptions',
        params: Model,
        querystring: HistoryQuery,
        response: { 200: HistoryWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params: { model }, query: { kind, ...page } }) => {
      const kinds: ChangeKind[] | undefined = kind
      const found = await history.list(model, {
        ...page,
        ...(kinds === undefined ? {} : { kinds }),
      })
      return {
        model,
        changes: found.changes.map(changeToWire),
        next: found.next,
        lives: found.lives.map(({ life, createdMs }) => ({ life, created: iso(createdMs) })),
      }
    },
  )
}

function modelRoutes(app: FastifyInstance, history: Registry['history']): void {
  app.get<{ Params: { model: string }; Querystring: Static<typeof AsOfQuery> }>(
    '/models/:model',
    {
      schema: {
        summary: 'Show a registered model, as it is or as it was',
        params: Model,
        querystring: AsOfQuery,
        response: { 200: OneModelWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params, query }) => {
      const { atMs, asOf } = momentOf(query.as_of)
      return { asOf, model: modelToWire(await history.modelAt(params.model, atMs)) }
    },
  )
  app.get<{ Params: { model: string }; Querystring: Static<typeof AsOfQuery> }>(
    '/models/:model/aliases',
    {
      schema: {
        summary: 'What each alias of a model points to, or pointed to',
        params: Model,
        querystring: AsOfQuery,
        response: { 200: AliasesWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params, query }) => {
      const { atMs, asOf } = momentOf(query.as_of)
      const { name, aliases } = await history.modelAt(params.model, atMs)
      return { asOf, model: name, aliases }
    },
  )
  app.get<{ Params: { model: string }; Querystring: Static<typeof VersionsQuery> }>(
    '/models/:model/versions',
    {
      schema: {
        summary: 'List the versions of a model, the newest first, as they are or as they were',
        params: Model,
        querystring: VersionsQuery,
        response: { 200: VersionsWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params, query: { as_of, before = NOW, limit } }) => {
      const { atMs, asOf } = momentOf(as_of)
      const { name, versions } = await history.modelAt(params.model, atMs)
      const below = versions.filter(({ version }) => version < before)
      const page = below.slice(0, limit)
      const next = below.length > limit ? (page.at(-1)?.version ?? null) : null
      return { asOf, model: name, versions: page.map(versionToWire), next }
    },
  )
}

function momentOf(text: string | undefined): { atMs: number; asOf: string | null } {
  if (text === undefined) return { atMs: NOW, asOf: null }
  const atMs = momentIn(text)
  return { atMs, asOf: iso(atMs) }
}

function modelToWire({ name, note, createdMs, updatedMs, ...model }: ModelThen): ModelWire {
  return {
    name,
    note,
    created: iso(createdMs),
    updated: iso(updatedMs),
    tags: [...model.tags],
    aliases: [...model.aliases],
    versions: model.versions.length,
    newest: model.versions[0]?.version ?? null,
  }
}

function versionToWire(version: ModelVersion): VersionWire {
  return {
    version: version.version,
    stage: version.stage,
    note: version.note,
    source: version.source,
    runId: version.runId,
    loggedModelId: version.loggedModelId,
    digest: version.digest,
    created: iso(version.createdMs),
    updated: iso(version.updatedMs),
    tags: [...version.tags],
    aliases: [...version.aliases],
  }
}

/** Prompts are tags of a hundred thousand characters; a list of changes shows how they begin. */
const SHOWN_CHARS_MAX = 2000

function changeToWire(change: KeptChange): ChangeWire {
  const { position, atMs, actor, kind, version, key, reason } = change
  const shown = (value: string | null) => {
    if (value === null) return null
    const text = kind === 'version' ? (JSON.parse(value) as VersionOrigin).source : value
    return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text
  }
  return {
    position,
    at: iso(atMs),
    actor: { kind: actor.kind, id: actor.id },
    kind,
    version,
    key,
    from: shown(change.before),
    to: shown(change.after),
    reason,
  }
}

function iso(atMs: number): string {
  return new Date(Math.min(atMs, LATEST_MS)).toISOString()
}

/** The last moment that a date can tell. */
const LATEST_MS = 8.64e15
