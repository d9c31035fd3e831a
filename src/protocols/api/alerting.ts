import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import {
  LABELS,
  type Alerting,
  type Destination,
  type Group,
  type Matchers,
  type ShownTrouble,
  type Silence,
} from '#alerting'
import type { Actor } from '#ledger'
import { deliveryToWire } from './webhooks.ts'

const limit = Type.Integer({ minimum: 1, maximum: 200, default: 50 })
const place = Type.Optional(
  Type.String({ maxLength: 300, description: 'What `next` of the page before said.' }),
)
const Id = Type.Object({ id: Type.String({ maxLength: 1000 }) })
const word = Type.Optional(Type.String({ maxLength: 300 }))
const ListQuery = Type.Object({
  open: Type.Optional(Type.Boolean()),
  project: word,
  endpoint: word,
  kind: word,
  limit,
  before: place,
})
const Pattern = Type.String({ minLength: 1, maxLength: 300 })
const MatchersBody = Type.Object(
  Object.fromEntries(
    LABELS.map((label) => [
      label,
      Type.Optional(Type.Union([Pattern, Type.Array(Pattern, { minItems: 1, maxItems: 100 })])),
    ]),
  ),
  { additionalProperties: false },
)
const AcknowledgeBody = Type.Object(
  { comment: Type.Optional(Type.String({ maxLength: 1000 })) },
  { additionalProperties: false },
)
const SilenceBody = Type.Object(
  {
    matchers: MatchersBody,
    comment: Type.String({ maxLength: 1000, description: 'Why nobody needs to hear of it.' }),
    until: Type.String({ format: 'date-time' }),
    /** Tells what would be silenced, and silences nothing. */
    dry: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
const SilencesQuery = Type.Object({ active: Type.Optional(Type.Boolean()), limit, before: place })
const DestinationParams = Type.Object({ project: Type.String(), name: Type.String() })

/** Who hears of what: alerts as people are told of them, silences, destinations. */
export function alertingRoutes(app: FastifyInstance, alerting: Alerting, actor: Actor): void {
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/alerting/alerts',
    {
      schema: {
        summary:
          'List what somebody must hear of: alerts of monitors, rollouts rolled back, policies whose run failed; the last first',
        querystring: ListQuery,
      },
    },
    async ({ query }) => {
      const page = await alerting.list(query)
      return {
        alerts: page.map(troubleToWire),
        next: page.length === query.limit ? (page.at(-1)?.place ?? null) : null,
      }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/alerting/alerts/:id',
    { schema: { summary: 'Show one, and the groups that it is told in', params: Id } },
    async ({ params }) => {
      const { trouble, groups } = await alerting.get(params.id)
      return { ...troubleToWire(trouble), groups: groups.map(groupToWire) }
    },
  )
  app.post<{ Params: { id: string }; Body: Static<typeof AcknowledgeBody> }>(
    '/alerting/alerts/:id/acknowledge',
    {
      schema: {
        summary: 'Say that somebody looks after it: it is not told again, nor escalated',
        params: Id,
        body: AcknowledgeBody,
      },
    },
    async ({ params, body }) =>
      troubleToWire(await alerting.acknowledge(actor, params.id, body.comment ?? '')),
  )
  silenceRoutes(app, alerting, actor)
  destinationRoutes(app, alerting)
}

function silenceRoutes(app: FastifyInstance, alerting: Alerting, actor: Actor): void {
  app.get<{ Querystring: Static<typeof SilencesQuery> }>(
    '/alerting/silences',
    { schema: { summary: 'List silences, the last made first', querystring: SilencesQuery } },
    async ({ query }) => {
      const page = await alerting.silences(query)
      const isFull = page.length === query.limit && query.active !== true
      return {
        silences: page.map(silenceToWire),
        next: isFull ? (page.at(-1)?.id ?? null) : null,
      }
    },
  )
  app.post<{ Body: Omit<Static<typeof SilenceBody>, 'matchers'> & { matchers: Matchers } }>(
    '/alerting/silences',
    {
      schema: {
        summary: 'Let nobody hear of some alerts until a time; with `dry`, only say which',
        body: SilenceBody,
      },
    },
    async ({ body }, reply) => {
      const { matchers, comment, until, dry } = body
      const covered = (await alerting.silencing(matchers)).map(({ id }) => id)
      if (dry === true) return { silence: null, alerts: covered }
      const silence = await alerting.silence(actor, {
        matchers,
        comment,
        untilMs: Date.parse(until),
      })
      return reply.code(201).send({ silence: silenceToWire(silence), alerts: covered })
    },
  )
  app.delete<{ Params: { id: string } }>(
    '/alerting/silences/:id',
    { schema: { summary: 'End a silence before its time', params: Id } },
    async ({ params }) => silenceToWire(await alerting.endSilence(actor, params.id)),
  )
}

function destinationRoutes(app: FastifyInstance, alerting: Alerting): void {
  app.get(
    '/alerting/destinations',
    { schema: { summary: 'List the destinations of all projects, and how they answer' } },
    async () => ({ destinations: (await alerting.destinations()).map(destinationToWire) }),
  )
  app.post<{ Params: Static<typeof DestinationParams> }>(
    '/alerting/destinations/:project/:name/test',
    {
      schema: {
        summary: 'Send an example now and tell how it was answered',
        params: DestinationParams,
      },
    },
    async ({ params }) => deliveryToWire(await alerting.test(params.project, params.name)),
  )
  const Query = Type.Object({ limit, before: place })
  app.get<{ Params: Static<typeof DestinationParams>; Querystring: Static<typeof Query> }>(
    '/alerting/destinations/:project/:name/deliveries',
    {
      schema: {
        summary: 'List what was sent to a destination and how it was answered, newest first',
        params: DestinationParams,
        querystring: Query,
      },
    },
    async ({ params, query }) => {
      const page = await alerting.deliveries({ ...params, ...query })
      return {
        deliveries: page.map(deliveryToWire),
        next: page.length === query.limit ? (page.at(-1)?.place ?? null) : null,
      }
    },
  )
}

function troubleToWire(trouble: ShownTrouble) {
  const { id, project, endpoint, kind, subject, severity, detail, clearedMs } = trouble
  const { acknowledged, silencedUntilMs } = trouble
  return {
    id,
    project,
    endpoint,
    kind,
    subject,
    severity,
    detail,
    state: clearedMs === null ? ('open' as const) : ('cleared' as const),
    raised: iso(trouble.raisedMs),
    cleared: clearedMs === null ? null : iso(clearedMs),
    acknowledged:
      acknowledged === null
        ? null
        : { by: acknowledged.by, comment: acknowledged.comment, at: iso(acknowledged.atMs) },
    silencedUntil: silencedUntilMs === null ? null : iso(silencedUntilMs),
  }
}

function groupToWire(group: Group) {
  const { id, project, labels, route, destinations, members, escalated, turn } = group
  return {
    id,
    project,
    labels,
    to: route.to,
    told: destinations,
    alerts: members.length,
    firstTold: group.firstToldMs === null ? null : iso(group.firstToldMs),
    lastTold: group.lastToldMs === null ? null : iso(group.lastToldMs),
    escalations: escalated,
    next: turn === null ? null : iso(turn.atMs),
  }
}

function silenceToWire({ createdMs, untilMs, ...silence }: Silence) {
  return { ...silence, created: iso(createdMs), until: iso(untilMs) }
}

function destinationToWire({ project, name, kind, sent }: Destination) {
  return {
    project,
    name,
    kind,
    failures: sent?.health.failures ?? 0,
    failingSince:
      sent === undefined || sent.health.failingSinceMs === null
        ? null
        : iso(sent.health.failingSinceMs),
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
