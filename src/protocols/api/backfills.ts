import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import type { Backfills, NewBackfill } from '#automation'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import { backfillToWire, dateToWire } from './backfill-wire.ts'
import { timeOf } from './policy-wire.ts'

const Texts = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), {
    maxItems: 100,
    default: [],
    description,
  })

const NewBody = Type.Object(
  {
    project: Type.String({ minLength: 1, maxLength: 200 }),
    targets: Texts('Stages, with all that they need; all without.'),
    from: Type.String({ maxLength: 100, description: 'The first date, as 2026-01-31 (UTC).' }),
    to: Type.String({ maxLength: 100, description: 'No date is after it.' }),
    every: Type.String({ default: '1d', description: '15m, 1h, 1d, 1w, 1mo or 1y.' }),
    parallel: Type.Integer({ minimum: 1, maximum: 64, default: 1 }),
    set: Texts('Changes of params, as -S takes them, with {date}, {start} and {end}.'),
    force: Type.Optional(Type.Boolean()),
    dryRun: Type.Boolean({ default: false, description: 'Only say what would be run.' }),
  },
  { additionalProperties: false },
)
const limit = Type.Integer({ minimum: 1, maximum: 1000, default: 50 })
const ListQuery = Type.Object({
  limit,
  before: Type.Optional(Type.String({ maxLength: 200 })),
  project: Type.Optional(Type.String({ maxLength: 200 })),
})
const DatesQuery = Type.Object({
  limit,
  after: Type.Optional(Type.Integer({ minimum: 0 })),
  state: Type.Optional(
    Type.Union(
      (['waiting', 'running', 'succeeded', 'failed', 'cancelled'] as const).map((each) =>
        Type.Literal(each),
      ),
    ),
  ),
})
const CancelBody = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 1000 })) },
  { additionalProperties: false },
)
const Id = Type.Object({ id: Type.String() })

/** Runs of a pipeline for each date of a range. */
export function backfillRoutes(app: FastifyInstance, backfills: Backfills, actor: Actor): void {
  app.post<{ Body: Static<typeof NewBody> }>(
    '/backfills',
    { schema: { summary: 'Run a pipeline once for each date of a range', body: NewBody } },
    async ({ body }, reply) => {
      const asked = askedIn(body)
      if (!body.dryRun)
        return reply.code(201).send(backfillToWire(await backfills.start(actor, asked)))
      const { backfill, dates } = await backfills.plan(asked)
      return {
        dryRun: true,
        project: backfill.project,
        commit: backfill.commit,
        force: backfill.force,
        count: dates.length,
        dates: dates
          .slice(0, SHOWN)
          .map(({ startMs, endMs }) => ({ start: timeOf(startMs), end: timeOf(endMs) })),
      }
    },
  )
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/backfills',
    { schema: { summary: 'List backfills, newest first', querystring: ListQuery } },
    async ({ query }) => {
      const page = await backfills.list(query)
      return {
        backfills: page.map(backfillToWire),
        next: page.length === query.limit ? (page.at(-1)?.id ?? null) : null,
      }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/backfills/:id',
    { schema: { summary: 'Show a backfill', params: Id } },
    async ({ params }) => backfillToWire(await backfills.get(params.id)),
  )
  app.get<{ Params: { id: string }; Querystring: Static<typeof DatesQuery> }>(
    '/backfills/:id/dates',
    {
      schema: { summary: 'List the dates of a backfill', params: Id, querystring: DatesQuery },
    },
    async ({ params, query }) => {
      const page = await backfills.dates(params.id, query)
      return {
        dates: page.map(dateToWire),
        next: page.length === query.limit ? (page.at(-1)?.number ?? null) : null,
      }
    },
  )
  endingRoutes(app, backfills, actor)
}

function endingRoutes(app: FastifyInstance, backfills: Backfills, actor: Actor): void {
  app.post<{ Params: { id: string }; Body: Static<typeof CancelBody> }>(
    '/backfills/:id/cancel',
    { schema: { summary: 'End a backfill and what runs of it', params: Id, body: CancelBody } },
    async ({ params, body }) =>
      backfillToWire(await backfills.cancel(actor, params.id, body.reason ?? null)),
  )
  app.post<{ Params: { id: string } }>(
    '/backfills/:id/resume',
    { schema: { summary: 'Begin the dates again that failed or were cancelled', params: Id } },
    async ({ params }) => backfillToWire(await backfills.resume(actor, params.id)),
  )
}

const SHOWN = 1000

function askedIn({ from, to, force, ...body }: Static<typeof NewBody>): NewBackfill {
  const { project, targets, every, parallel, set } = body
  const times = { fromMs: momentOf('from', from), toMs: momentOf('to', to) }
  return { project, targets, every, parallel, set, force, ...times }
}

/** A date alone is its beginning in UTC. */
function momentOf(name: string, text: string): number {
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text)
  const hasZone = /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:?\d{2})$/.test(text)
  const ms = isDate || hasZone ? Date.parse(text) : Number.NaN
  if (Number.isFinite(ms)) return ms
  throw new Problem(
    'invalid',
    `${name} is ${JSON.stringify(text)}; write a date as 2026-01-31, or a time as 2026-01-31T06:00:00Z`,
  )
}
