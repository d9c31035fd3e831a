import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import type { Delivery, Webhook, Webhooks } from '#webhooks'
import type { DeliveryWire, WebhookWire } from './webhook-wire.ts'

const text = (description: string, maxLength = 2048) => Type.String({ description, maxLength })
const fields = {
  name: text('1 to 63 letters, digits, dots, underscores and hyphens.', 63),
  url: text('Where events are posted to: https, and a public address.'),
  events: Type.Array(Type.String({ maxLength: 100 }), {
    minItems: 1,
    maxItems: 100,
    description: 'Types of ledger entries; "*" stands for any letters, as in "promotion-*".',
  }),
  subject: Type.Optional(
    Type.Union([text('Only entries about this, as "model:flights".', 300), Type.Null()]),
  ),
  description: Type.Optional(text('What it is for.', 1000)),
  enabled: Type.Optional(Type.Boolean()),
}
const NewBody = Type.Object(
  {
    ...fields,
    dialect: Type.Optional(
      Type.Union([Type.Literal('standard'), Type.Literal('openlineage')], {
        description:
          'Ledger entries by Standard Webhooks, or runs of pipelines as OpenLineage events.',
        default: 'standard',
      }),
    ),
    secret: Type.Optional(text('The API key that a receiver of OpenLineage asks for.', 4096)),
  },
  { additionalProperties: false },
)
const ChangeBody = Type.Object(
  {
    ...fields,
    name: Type.Optional(fields.name),
    url: Type.Optional(fields.url),
    events: Type.Optional(fields.events),
  },
  { additionalProperties: false, minProperties: 1 },
)
const HOUR_MS = 3_600_000
const OVERLAP_HOURS = 24
const RotateBody = Type.Object(
  {
    overlapHours: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 168,
        default: OVERLAP_HOURS,
        description: 'How long messages are signed with the old secret too.',
      }),
    ),
  },
  { additionalProperties: false },
)
const TestBody = Type.Object(
  { event: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })) },
  { additionalProperties: false },
)
const Id = Type.Object({ id: Type.String() })
const place = Type.Optional(Type.String({ description: 'What `next` of the page before said.' }))
const limit = Type.Integer({ minimum: 1, maximum: 200, default: 50 })
const ListQuery = Type.Object({ limit, before: place })
const DeliveriesQuery = Type.Object({
  limit,
  before: place,
  state: Type.Optional(
    Type.Union(
      (['waiting', 'delivered', 'failed', 'cancelled'] as const).map((each) => Type.Literal(each)),
    ),
  ),
})

/** Webhooks and the log of what was sent to them. */
export function webhookRoutes(app: FastifyInstance, webhooks: Webhooks, actor: Actor): void {
  app.post<{ Body: Static<typeof NewBody> }>(
    '/webhooks',
    {
      schema: {
        summary: 'Add a webhook; the answer has the secret that signs its messages, once',
        body: NewBody,
      },
    },
    async ({ body }, reply) => {
      const { dialect = 'standard', secret: key, ...rest } = body
      if (key !== undefined && dialect === 'standard')
        throw new Problem(
          'invalid',
          'the secret of a webhook is made here; leave "secret" out, or name the dialect "openlineage"',
        )
      const { webhook, secret } = await webhooks.add(actor, { ...rest, dialect, secret: key })
      // Who gave a key has it.
      const told = dialect === 'standard' ? secret : null
      return reply.code(201).send({ ...webhookToWire(webhook), secret: told })
    },
  )
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/webhooks',
    { schema: { summary: 'List webhooks, newest first', querystring: ListQuery } },
    async ({ query }) => {
      const page = await webhooks.list(query)
      return {
        webhooks: page.map(webhookToWire),
        next: page.length === query.limit ? (page.at(-1)?.id ?? null) : null,
      }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/webhooks/:id',
    { schema: { summary: 'Show a webhook', params: Id } },
    async ({ params }) => webhookToWire(await webhooks.get(params.id)),
  )
  app.patch<{ Params: { id: string }; Body: Static<typeof ChangeBody> }>(
    '/webhooks/:id',
    { schema: { summary: 'Change, enable or disable a webhook', params: Id, body: ChangeBody } },
    async ({ params, body }) => webhookToWire(await webhooks.change(actor, params.id, body)),
  )
  app.delete<{ Params: { id: string } }>(
    '/webhooks/:id',
    { schema: { summary: 'Remove a webhook and its delivery log', params: Id } },
    async ({ params }, reply) => {
      await webhooks.delete(actor, params.id)
      return reply.code(204).send()
    },
  )
  deliveryRoutes(app, webhooks, actor)
}

function deliveryRoutes(app: FastifyInstance, webhooks: Webhooks, actor: Actor): void {
  app.post<{ Params: { id: string }; Body: Static<typeof RotateBody> }>(
    '/webhooks/:id/rotate',
    {
      schema: {
        summary: 'Make a new secret, told once; the old one signs too for a while',
        params: Id,
        body: RotateBody,
      },
    },
    async ({ params, body }) => {
      const overlapMs = (body.overlapHours ?? OVERLAP_HOURS) * HOUR_MS
      const { webhook, secret } = await webhooks.rotate(actor, params.id, overlapMs)
      return { ...webhookToWire(webhook), secret }
    },
  )
  app.post<{ Params: { id: string }; Body: Static<typeof TestBody> }>(
    '/webhooks/:id/test',
    {
      schema: {
        summary: 'Send an example now and tell how it was answered',
        params: Id,
        body: TestBody,
      },
    },
    async ({ params, body }) => deliveryToWire(await webhooks.test(params.id, body.event)),
  )
  app.get<{ Params: { id: string }; Querystring: Static<typeof DeliveriesQuery> }>(
    '/webhooks/:id/deliveries',
    {
      schema: {
        summary: 'List what was sent to a webhook and how it was answered, newest first',
        params: Id,
        querystring: DeliveriesQuery,
      },
    },
    async ({ params, query }) => {
      const page = await webhooks.deliveries({ webhook: params.id, ...query })
      return {
        deliveries: page.map(deliveryToWire),
        next: page.length === query.limit ? (page.at(-1)?.place ?? null) : null,
      }
    },
  )
  app.post<{ Params: { id: string; delivery: string } }>(
    '/webhooks/:id/deliveries/:delivery/redeliver',
    {
      schema: {
        summary: 'Send a delivery once more, under its old id',
        params: Type.Object({ id: Type.String(), delivery: Type.String() }),
      },
    },
    async ({ params }, reply) =>
      reply.code(202).send(deliveryToWire(await webhooks.redeliver(params.id, params.delivery))),
  )
}

function webhookToWire(webhook: Webhook): WebhookWire {
  const { health } = webhook
  return {
    id: webhook.id,
    name: webhook.name,
    description: webhook.description,
    url: webhook.url,
    dialect: webhook.dialect,
    events: [...webhook.events],
    subject: webhook.subject,
    enabled: webhook.enabled,
    disabledBecause: webhook.disabledBecause,
    failures: health.failures,
    failingSince: isoOf(health.failingSinceMs),
    created: new Date(webhook.createdMs).toISOString(),
    updated: new Date(webhook.updatedMs).toISOString(),
  }
}

export function deliveryToWire(delivery: Delivery): DeliveryWire {
  return {
    id: delivery.id,
    webhook: delivery.webhook,
    event: delivery.event,
    position: delivery.position,
    state: delivery.state,
    attempts: delivery.attempts,
    created: new Date(delivery.createdMs).toISOString(),
    last: isoOf(delivery.lastMs),
    next: isoOf(delivery.nextMs),
    status: delivery.response?.status ?? null,
    response: delivery.response?.body ?? null,
    error: delivery.error,
  }
}

function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
