import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import { KINDS, type Kind, type Retention } from '#retention'
import {
  holdToWire,
  itemToWire,
  previewToWire,
  storageToWire,
  sweepToWire,
} from './retention-wire.ts'

export interface RetentionParts {
  readonly retention: Retention
  readonly actor: Actor
  /** Resolves when what was deleted a moment ago is on the list of the trash. */
  caughtUp(this: void): Promise<void>
}

const THINGS_MAX = 1000
const kind = Type.Unsafe<Kind>({
  type: 'string',
  enum: [...KINDS],
  description: 'The kind of thing.',
})
const id = Type.String({
  minLength: 1,
  maxLength: 500,
  description: 'Its id; a model by its name, a model version as flights-late/3.',
})
const ThingsBody = Type.Object(
  {
    things: Type.Array(Type.Object({ kind, id }, { additionalProperties: false }), {
      minItems: 1,
      maxItems: THINGS_MAX,
    }),
  },
  { additionalProperties: false },
)
const number = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'The number of an item of the trash.',
})
const items = Type.Array(number, { minItems: 1, maxItems: THINGS_MAX })
const ItemsBody = Type.Object({ items }, { additionalProperties: false })
const PurgeBody = Type.Object(
  { items: Type.Union([items, Type.Literal('all')]) },
  { additionalProperties: false },
)
const limit = Type.Integer({ minimum: 1, maximum: 200, default: 50 })
const TrashQuery = Type.Object({
  limit,
  before: Type.Optional(number),
  kind: Type.Optional(kind),
  id: Type.Optional(id),
})
const HoldsQuery = Type.Object({
  limit,
  after: Type.Optional(Type.String({ description: 'Holds after this id.', maxLength: 100 })),
})
const HoldBody = Type.Object(
  {
    kind,
    id,
    reason: Type.String({ minLength: 1, maxLength: 2000, description: 'Why it must stay.' }),
    until: Type.Optional(
      Type.String({ maxLength: 40, description: 'When the hold ends by itself: ISO 8601.' }),
    ),
  },
  { additionalProperties: false },
)
const Id = Type.Object({ id: Type.String({ maxLength: 100 }) })

/** The trash, holds, and what the object store keeps. */
export function retentionRoutes(app: FastifyInstance, parts: RetentionParts): void {
  trashRoutes(app, parts)
  holdRoutes(app, parts)
  storageRoutes(app, parts)
}

function trashRoutes(app: FastifyInstance, { retention, actor, caughtUp }: RetentionParts): void {
  app.get<{ Querystring: Static<typeof TrashQuery> }>(
    '/trash',
    {
      schema: {
        summary: 'List what was deleted and can be restored, last first',
        querystring: TrashQuery,
      },
    },
    async ({ query }) => {
      await caughtUp()
      const { limit: most, before, kind: of, id: named } = query
      const found = await retention.list({
        limit: most,
        ...(before === undefined ? {} : { before }),
        ...(of === undefined ? {} : { kind: of }),
        ...(named === undefined ? {} : { id: named }),
      })
      return {
        items: found.map(itemToWire),
        next: found.length === most ? (found.at(-1)?.position ?? null) : null,
      }
    },
  )
  app.post<{ Body: Static<typeof ThingsBody> }>(
    '/trash/preview',
    {
      schema: {
        summary:
          'Tell what a deletion takes along and frees, and what holds it; nothing is deleted',
        body: ThingsBody,
      },
    },
    async ({ body }) => previewToWire(await retention.preview(body.things)),
  )
  app.post<{ Body: Static<typeof ThingsBody> }>(
    '/trash',
    { schema: { summary: 'Delete things: they go to the trash', body: ThingsBody } },
    async ({ body }) => ({ deleted: await retention.delete(actor, body.things) }),
  )
  outOfTrash(app, { retention, actor, caughtUp })
}

function outOfTrash(app: FastifyInstance, { retention, actor, caughtUp }: RetentionParts): void {
  app.post<{ Body: Static<typeof ItemsBody> }>(
    '/trash/restore',
    { schema: { summary: 'Take items out of the trash', body: ItemsBody } },
    async ({ body }) => {
      await caughtUp()
      return {
        restored: await retention.restore(
          actor,
          body.items.map((position) => ({ position })),
        ),
      }
    },
  )
  app.post<{ Body: Static<typeof PurgeBody> }>(
    '/trash/purge',
    {
      schema: {
        summary: 'Have items of the trash purged now: nobody can restore them any more',
        body: PurgeBody,
      },
    },
    async ({ body }, reply) => {
      await caughtUp()
      const which = body.items === 'all' ? 'all' : body.items.map((position) => ({ position }))
      const { asked, held } = await retention.purge(actor, which)
      return reply.code(202).send({
        asked: asked.map(({ position }) => position),
        held: held.map(({ item, obstacles }) => ({ item: item.position, obstacles })),
      })
    },
  )
}

function holdRoutes(app: FastifyInstance, { retention, actor }: RetentionParts): void {
  app.get<{ Querystring: Static<typeof HoldsQuery> }>(
    '/holds',
    { schema: { summary: 'List holds, oldest first', querystring: HoldsQuery } },
    async ({ query }) => {
      const found = await retention.holds.list(query)
      return {
        holds: found.map(holdToWire),
        next: found.length === query.limit ? (found.at(-1)?.id ?? null) : null,
      }
    },
  )
  app.post<{ Body: Static<typeof HoldBody> }>(
    '/holds',
    { schema: { summary: 'Hold a thing: it is not purged while the hold lasts', body: HoldBody } },
    async ({ body }, reply) => {
      const { kind: of, id: target, reason, until } = body
      const hold = await retention.holds.place(actor, {
        target: { kind: of, id: target },
        reason,
        untilMs: until === undefined ? null : instantIn(until),
      })
      return reply.code(201).send(holdToWire(hold))
    },
  )
  app.delete<{ Params: { id: string } }>(
    '/holds/:id',
    { schema: { summary: 'Lift a hold', params: Id } },
    async ({ params }) => holdToWire(await retention.holds.remove(actor, params.id)),
  )
}

function storageRoutes(app: FastifyInstance, { retention, caughtUp }: RetentionParts): void {
  app.get(
    '/storage',
    { schema: { summary: 'Tell how many bytes are kept of what, and what the last sweep found' } },
    async () => storageToWire(await retention.storage()),
  )
  app.get(
    '/storage/unused',
    { schema: { summary: 'Tell what a sweep would purge and free now; nothing is removed' } },
    async () => {
      await caughtUp()
      const { due, preview, collection } = await retention.look()
      return {
        due: due.map(({ position }) => position),
        preview: previewToWire(preview),
        unused: sweepToWire({ id: '', ...collection }),
      }
    },
  )
  app.post(
    '/sweeps',
    { schema: { summary: 'Purge what is due and free what nothing refers to, in the background' } },
    async (_, reply) => {
      await caughtUp()
      return reply.code(202).send({ id: await retention.sweep() })
    },
  )
  app.get<{ Params: { id: string } }>(
    '/sweeps/:id',
    { schema: { summary: 'Show what a sweep did', params: Id } },
    async ({ params }) => sweepToWire(await retention.getSweep(params.id)),
  )
}

function instantIn(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(ms)) return ms
  throw new Problem(
    'invalid',
    `until is ${JSON.stringify(text)}; write it as 2027-01-31 or 2027-01-31T12:00:00Z`,
  )
}
