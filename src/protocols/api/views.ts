import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type, type Static } from 'typebox'
import type { Json } from '#base/json'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import type { Browsing, SavedView, ViewContent } from '#tracking'
import { placeIn, tokenOf } from './places.ts'
import { plainJson, scopeIn } from './runs.ts'
import { ScopeFields } from './runs-wire.ts'
import { ViewsWire, type ViewWire } from './views-wire.ts'

const Content = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  experimentIds: ScopeFields.experimentIds,
  folder: ScopeFields.folder,
  filter: Type.Optional(Type.String({ maxLength: 20_000 })),
  columns: Type.Optional(Type.Array(Type.String({ maxLength: 300 }), { maxItems: 200 })),
  orderBy: Type.Optional(Type.Array(Type.String({ maxLength: 600 }), { maxItems: 20 })),
  display: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'Charts and the like, as the page keeps them; the server does not read it.',
    }),
  ),
  shared: Type.Optional(Type.Boolean({ description: 'Whether others see it too.' })),
}
const CreateBody = Type.Object(Content, { additionalProperties: false })
const ChangeBody = Type.Object(
  {
    ...Content,
    revision: Type.Optional(
      Type.Integer({ minimum: 1, description: 'The one that was changed; or say it by If-Match.' }),
    ),
  },
  { additionalProperties: false },
)
const Id = Type.Object({ id: Type.String() })
const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 100 }),
  page: Type.Optional(Type.String({ maxLength: 2000, examples: ['WyJhIiwiYSJd'] })),
})
const DeleteQuery = Type.Object({ revision: Type.Optional(Type.Integer({ minimum: 1 })) })

/** Views that people keep of runs. Two who change one at a time are told, so that no change is lost. */
export function viewRoutes(
  app: FastifyInstance,
  { views }: Pick<Browsing, 'views'>,
  actor: Actor,
): void {
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/views',
    {
      schema: {
        summary: 'List saved views by name',
        querystring: ListQuery,
        response: { 200: ViewsWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ query: { limit, page } }) => {
      const { items, next } = await views.list(actor, { limit, after: placeIn(page) })
      return { views: items.map(toWire), next: tokenOf(next) }
    },
  )
  app.post<{ Body: Static<typeof CreateBody> }>(
    '/views',
    { schema: { summary: 'Save a view', body: CreateBody } },
    async ({ body }, reply) => answer(reply.code(201), await views.create(actor, contentIn(body))),
  )
  app.get<{ Params: { id: string } }>(
    '/views/:id',
    { schema: { summary: 'Show a saved view', params: Id } },
    async ({ params }, reply) => answer(reply, await views.get(actor, params.id)),
  )
  app.put<{ Params: { id: string }; Body: Static<typeof ChangeBody> }>(
    '/views/:id',
    {
      schema: {
        summary: 'Change a saved view, unless somebody else did meanwhile',
        params: Id,
        body: ChangeBody,
      },
    },
    async ({ params, body: { revision, ...content }, headers }, reply) => {
      const change = {
        revision: revisionIn(revision, headers['if-match']),
        content: contentIn(content),
      }
      return answer(reply, await views.change(actor, params.id, change))
    },
  )
  app.delete<{ Params: { id: string }; Querystring: Static<typeof DeleteQuery> }>(
    '/views/:id',
    {
      schema: {
        summary: 'Delete a saved view, unless somebody changed it meanwhile',
        params: Id,
        querystring: DeleteQuery,
      },
    },
    async ({ params, query, headers }) => {
      await views.delete(actor, params.id, revisionIn(query.revision, headers['if-match']))
      return {}
    },
  )
}

function answer(reply: FastifyReply, view: SavedView) {
  return reply.header('etag', `"${view.revision}"`).send(toWire(view))
}

function contentIn(body: Static<typeof CreateBody>): ViewContent {
  return {
    name: body.name,
    scope: scopeIn(body),
    filter: body.filter ?? '',
    columns: body.columns ?? [],
    orderBy: body.orderBy ?? [],
    display: (body.display ?? {}) as Json,
    shared: body.shared ?? false,
  }
}

function revisionIn(given: number | undefined, ifMatch: string | undefined): number {
  const [, matched] = /^(?:W\/)?"(\d{1,15})"$/.exec(ifMatch ?? '') ?? []
  const revision = given ?? (matched === undefined ? undefined : Number(matched))
  if (revision !== undefined) return revision
  throw new Problem(
    'invalid',
    'say which revision this is a change of: revision, or the header If-Match with the ETag that came with the view',
  )
}

function toWire({ viewId, scope, createdMs, updatedMs, ...view }: SavedView): ViewWire {
  return {
    id: viewId,
    ...view,
    columns: [...view.columns],
    orderBy: [...view.orderBy],
    display: view.display as Record<string, unknown>,
    experimentIds: scope.of === 'experiments' ? [...scope.experimentIds] : null,
    folder: scope.of === 'folder' ? scope.folder : null,
    created: new Date(createdMs).toISOString(),
    updated: new Date(updatedMs).toISOString(),
  }
}
