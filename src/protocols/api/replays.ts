import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import { instantMs } from '#inference'
import type { Actor } from '#ledger'
import { durationMs, durationPattern } from '#projects'
import { REPLAY_ROWS_MAX, type Replay, type ReplayRequest, type Replays } from '#replay'

const ReplayBody = Type.Object(
  {
    endpoint: Type.String({ minLength: 1, maxLength: 100 }),
    model: Type.String({ minLength: 1, maxLength: 256 }),
    version: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    since: Type.Optional(
      Type.String({
        maxLength: 40,
        default: '7d',
        description: 'A span of event time before the end, such as 7d, or a time (RFC 3339).',
      }),
    ),
    until: Type.Optional(
      Type.String({ maxLength: 40, description: 'A time; the newest prediction without it.' }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: REPLAY_ROWS_MAX,
        default: 10_000,
        description: 'Of more rows, so many are drawn.',
      }),
    ),
    tolerance: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1e300,
        default: 0,
        description: 'Amounts that lie no further apart are the same.',
      }),
    ),
    kind: Type.Optional(
      Type.Union(
        [Type.Literal('auto'), Type.Literal('classification'), Type.Literal('regression')],
        { default: 'auto' },
      ),
    ),
  },
  { additionalProperties: false },
)

const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  before: Type.Optional(Type.String({ description: '`next` of the page before' })),
  endpoint: Type.Optional(Type.String()),
})

const ReplayPath = Type.Object({ id: Type.String() })

export type ShownReplay = ReturnType<typeof replayToWire>

export function replayToWire(replay: Replay) {
  const { outcome, options, createdMs, ...rest } = replay
  const { fromMs, toMs, ...how } = options
  const ended = 'endedMs' in outcome ? new Date(outcome.endedMs).toISOString() : null
  return {
    ...rest,
    ...how,
    from: isoOf(fromMs),
    to: isoOf(toMs),
    created: new Date(createdMs).toISOString(),
    ended,
    state: outcome.state,
    progress: outcome.state === 'running' ? { done: outcome.done, total: outcome.total } : null,
    reason: outcome.state === 'failed' ? outcome.reason : null,
    result: outcome.state === 'finished' ? outcome.result : null,
  }
}

/** Candidates run over what endpoints were asked. */
export function replayRoutes(app: FastifyInstance, replays: Replays, actor: Actor): void {
  app.post<{ Body: Static<typeof ReplayBody> }>(
    '/replays',
    {
      schema: {
        summary: 'Run a version over the logged requests of an endpoint, and compare the answers',
        body: ReplayBody,
      },
    },
    async ({ body }, reply) =>
      reply.code(202).send(replayToWire(await replays.request(actor, requestOf(body)))),
  )
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/replays',
    { schema: { summary: 'List replays, newest first', querystring: ListQuery } },
    async ({ query }) => {
      const found = await replays.list(query)
      const next = found.length === query.limit ? (found.at(-1)?.id ?? null) : null
      return { replays: found.map(replayToWire), next }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/replays/:id',
    { schema: { summary: 'Show a replay', params: ReplayPath } },
    async ({ params }) => replayToWire(await replays.get(params.id)),
  )
  app.post<{ Params: { id: string } }>(
    '/replays/:id/cancel',
    { schema: { summary: 'End a replay that is under way', params: ReplayPath } },
    async ({ params }) => replayToWire(await replays.cancel(actor, params.id)),
  )
}

function requestOf(body: Static<typeof ReplayBody>): ReplayRequest {
  const { since = '7d', until, limit, tolerance, kind, ...rest } = body
  return {
    ...rest,
    since: new RegExp(durationPattern).test(since)
      ? { agoMs: durationMs(since) }
      : { fromMs: timeIn(since, 'since') },
    ...(until === undefined ? {} : { toMs: timeIn(until, 'until') }),
    ...(limit === undefined ? {} : { limit }),
    ...(tolerance === undefined ? {} : { tolerance }),
    ...(kind === undefined ? {} : { kind }),
  }
}

function timeIn(text: string, name: string): number {
  const ms = instantMs(text)
  if (ms === undefined)
    throw new Problem(
      'invalid',
      `${name} is ${JSON.stringify(text)}, which is no time; write it as ${name === 'since' ? '7d or ' : ''}2026-01-31T12:00:00Z`,
    )
  return ms
}

/** A span may be longer than times can be written. */
function isoOf(ms: number): string | null {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null
}
