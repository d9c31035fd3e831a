import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import type { Actor } from '#ledger'
import { nextOf, LOGS, type Document, type LogReceiver, type Shipping } from '#shipping'

const Log = Type.Union(LOGS.map((log) => Type.Literal(log)))

const NewReceiver = Type.Object(
  {
    name: Type.String(),
    url: Type.String({ description: 'Of Elasticsearch; _bulk is below it.' }),
    logs: Type.Array(Log, { default: [...LOGS] }),
    namespace: Type.Optional(Type.String({ description: 'Of its data streams.' })),
    key: Type.Optional(
      Type.String({ description: 'An API key of Elasticsearch; never told again.' }),
    ),
    from: Type.Union([Type.Literal('start'), Type.Literal('now')], { default: 'now' }),
  },
  { additionalProperties: false },
)

const Page = Type.Object({
  log: Log,
  endpoint: Type.Optional(Type.String()),
  from: Type.Integer({ minimum: -1, default: -1 }),
})

export interface LogParts {
  readonly shipping: Shipping
  readonly actor: Actor
  /** A document as it is told outside. */
  ecs(this: void, document: Document): object
  readonly sources: Parameters<typeof nextOf>[0]
}

function receiverToWire({ key, createdMs, health, ...receiver }: LogReceiver) {
  const { shippedMs, ...rest } = health
  return {
    ...receiver,
    hasKey: key !== null,
    created: new Date(createdMs).toISOString(),
    health: { ...rest, shipped_at: shippedMs === null ? null : new Date(shippedMs).toISOString() },
  }
}

/** Search engines that are sent the logs, and the same logs to be fetched. */
export function logReceiverRoutes(app: FastifyInstance, parts: LogParts): void {
  const { shipping, actor, sources, ecs } = parts
  app.get(
    '/log-receivers',
    { schema: { summary: 'List the search engines that are sent the logs' } },
    async () => ({ receivers: (await shipping.list()).map(receiverToWire) }),
  )
  app.post<{ Body: Static<typeof NewReceiver> }>(
    '/log-receivers',
    { schema: { summary: 'Send the logs to an Elasticsearch', body: NewReceiver } },
    async ({ body }, reply) => {
      const receiver = await shipping.add(actor, body)
      await shipping.tick()
      return reply.code(201).send(receiverToWire(receiver))
    },
  )
  app.get<{ Params: { receiver: string } }>(
    '/log-receivers/:receiver',
    { schema: { summary: 'Show one, by id or name' } },
    async ({ params }) => receiverToWire(await shipping.get(params.receiver)),
  )
  app.delete<{ Params: { receiver: string } }>(
    '/log-receivers/:receiver',
    { schema: { summary: 'Send it nothing any more' } },
    async ({ params }, reply) => {
      await shipping.remove(actor, params.receiver)
      return reply.code(204).send()
    },
  )
  app.get<{ Querystring: Static<typeof Page> }>(
    '/logs',
    {
      schema: {
        summary: 'Documents of a log in the Elastic Common Schema, in the order they came',
        querystring: Page,
      },
    },
    async ({ query: { log, endpoint, from } }) => {
      const names = endpoint === undefined ? [] : [endpoint]
      const next = await nextOf(
        { ...sources, endpoints: async () => names },
        {
          logs: [log],
          reached: {
            events: from,
            predictions: Object.fromEntries(names.map((name) => [name, Math.max(0, from)])),
          },
        },
      )
      const reached =
        endpoint === undefined ? next?.reached.events : next?.reached.predictions[endpoint]
      return { documents: (next?.documents ?? []).map(ecs), next: reached ?? null }
    },
  )
}
