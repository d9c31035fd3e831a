import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Governance, Promotion } from '#governance'
import type { Actor } from '#ledger'

const RequestBody = Type.Object(
  {
    model: Type.String({ minLength: 1, maxLength: 256 }),
    version: Type.Integer({ minimum: 1 }),
    alias: Type.String({ pattern: '^[\\w-]{1,255}$' }),
  },
  { additionalProperties: false },
)
const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  before: Type.Optional(Type.String({ description: 'Promotions older than this id.' })),
  model: Type.Optional(Type.String()),
})

export function promotionToWire(promotion: Promotion) {
  const { outcome, createdMs, eventMs, ...rest } = promotion
  const decided = outcome.state === 'checking' ? null : new Date(outcome.decidedMs).toISOString()
  return {
    ...rest,
    created: new Date(createdMs).toISOString(),
    event: eventMs === null ? null : new Date(eventMs).toISOString(),
    state: outcome.state,
    decided,
    checks: outcome.state === 'checking' ? [] : outcome.checks,
    reasons: outcome.state === 'checking' ? [] : outcome.reasons,
  }
}

export function promotionRoutes(app: FastifyInstance, governance: Governance, actor: Actor): void {
  app.post<{ Body: { model: string; version: number; alias: string } }>(
    '/promotions',
    {
      schema: {
        summary: 'Ask for an alias to be moved to a version; its checks run and decide',
        body: RequestBody,
      },
    },
    async ({ body }, reply) =>
      reply.code(202).send(promotionToWire(await governance.request(actor, body))),
  )
  app.get<{ Querystring: { limit: number; before?: string; model?: string } }>(
    '/promotions',
    { schema: { summary: 'List promotions, newest first', querystring: ListQuery } },
    async ({ query }) => {
      const promotions = await governance.list(query)
      return {
        promotions: promotions.map(promotionToWire),
        next: promotions.length === query.limit ? (promotions.at(-1)?.id ?? null) : null,
      }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/promotions/:id',
    { schema: { summary: 'Show a promotion', params: Type.Object({ id: Type.String() }) } },
    async ({ params }) => promotionToWire(await governance.get(params.id)),
  )
}
