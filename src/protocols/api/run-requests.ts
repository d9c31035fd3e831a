import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import type { Recordings, RequestTx, Requests, RunOrder, RunRequest } from '#pipelines'
import {
  runRequestToWire,
  stagesToWire,
  type RecordedTurn,
  type ShownRunDetail,
} from './run-requests-wire.ts'

const Texts = (description: string, maxItems: number) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 10_000 }), { maxItems, description }),
  )

/** What a run is asked for with. */
export const OrderBody = Type.Object(
  {
    project: Type.String({ minLength: 1, maxLength: 200 }),
    rev: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 250,
        description: 'A branch, a tag or a commit; the newest commit of the project without it.',
      }),
    ),
    targets: Texts('Stages, with all that they need; all of them without it.', 1000),
    overrides: Texts('Changes of parameters, as train.depth=5.', 200),
    variables: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 10_000 }), {
        description: 'For the commands of all stages.',
      }),
    ),
    force: Type.Optional(Type.Boolean({ description: 'Run stages that are up to date as well.' })),
    lane: Type.Optional(
      Type.Union([Type.String({ minLength: 1, maxLength: 200 }), Type.Null()], {
        description:
          'Runs of one lane wait for each other; by default those of a project and branch. Null waits for none.',
      }),
    ),
  },
  { additionalProperties: false },
)
const Headers = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9][\\w.-]{0,99}$',
      description: 'Names the run: the same request with it again is the same run.',
    }),
  ),
})
const State = Type.Union(
  (['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'] as const).map((state) =>
    Type.Literal(state),
  ),
)
const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  before: Type.Optional(Type.String({ description: '`next` of the page before' })),
  project: Type.Optional(Type.String()),
  branch: Type.Optional(
    Type.String({ description: 'The branch, tag or commit that was asked for.' }),
  ),
  state: Type.Optional(State),
  cause: Type.Optional(Type.String({ description: 'The policy run that asked.' })),
})
const Id = Type.Object({ id: Type.String() })
const Comment = Type.Union([Type.String({ maxLength: 2000 }), Type.Null()])
const CancelBody = Type.Object({ reason: Type.Optional(Comment) }, { additionalProperties: false })
const DecideBody = Type.Object(
  { stage: Type.String({ minLength: 1, maxLength: 500 }), comment: Type.Optional(Comment) },
  { additionalProperties: false },
)

export interface RunRequestParts {
  readonly actor: Actor
  readonly recordings: Pick<Recordings, 'get' | 'tests'>
  readonly requests: Pick<Requests<RequestTx>, 'get' | 'list' | 'cancel' | 'decide'>
  /** Asks for a run at what the origin has at this moment. */
  readonly orderRun: (actor: Actor, order: RunOrder) => Promise<RunRequest>
}

/** Runs of pipelines that this server is asked for. */
export function runRequestRoutes(app: FastifyInstance, parts: RunRequestParts): void {
  const { actor, recordings, requests, orderRun } = parts
  app.post<{ Body: Static<typeof OrderBody>; Headers: Static<typeof Headers> }>(
    '/run-requests',
    {
      schema: {
        summary: 'Run the pipeline of a project in the clone of the server',
        headers: Headers,
        body: OrderBody,
      },
    },
    async ({ body, headers }, reply) => {
      const { lane, ...order } = body
      const id = headers['idempotency-key']
      const request = await orderRun(actor, {
        ...order,
        ...(id === undefined ? {} : { id }),
        ...(lane === undefined ? {} : { lane: lane === null ? null : { name: lane, limit: 1 } }),
      })
      return reply.code(202).send(runRequestToWire(request))
    },
  )
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/run-requests',
    {
      schema: {
        summary: 'List the runs that were asked for, newest first',
        querystring: ListQuery,
      },
    },
    async ({ query }) => {
      const found = await requests.list(query)
      return {
        runRequests: found.map(runRequestToWire),
        next: found.length === query.limit ? (found.at(-1)?.id ?? null) : null,
      }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/run-requests/:id',
    { schema: { summary: 'Show a run that was asked for, with its stages', params: Id } },
    async ({ params }) => shownRun(recordings, await requests.get(params.id)),
  )
  app.post<{ Params: { id: string }; Body: Static<typeof CancelBody> }>(
    '/run-requests/:id/cancel',
    { schema: { summary: 'End a run with all its processes', params: Id, body: CancelBody } },
    async ({ params, body }) =>
      runRequestToWire(await requests.cancel(actor, params.id, body.reason ?? null)),
  )
  testRoutes(app, parts)
  decisionRoutes(app, parts)
}

function decisionRoutes(app: FastifyInstance, { actor, requests }: RunRequestParts): void {
  for (const [verb, outcome] of [
    ['approve', 'approved'],
    ['reject', 'rejected'],
  ] as const)
    app.post<{ Params: { id: string }; Body: Static<typeof DecideBody> }>(
      `/run-requests/:id/${verb}`,
      {
        schema: {
          summary: `Say that a stage that waits for it may ${verb === 'approve' ? '' : 'not '}run`,
          params: Id,
          body: DecideBody,
        },
      },
      async ({ params, body }) => {
        const { stage, comment = null } = body
        return runRequestToWire(
          await requests.decide(actor, params.id, { stage, outcome, comment }),
        )
      },
    )
}

const TestsQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 200 }),
  after: Type.Integer({ minimum: 0, default: 0, description: '`next` of the page before' }),
  outcome: Type.Optional(
    Type.Union(
      (['passed', 'failed', 'error', 'skipped'] as const).map((outcome) => Type.Literal(outcome)),
    ),
  ),
})

/** A stage that the run has not, and those that it has. */
export function noStage(
  { id, stage }: { id: string; stage: string },
  stages: readonly string[],
): Problem {
  const names = stages.slice(0, NAMED_MAX)
  return new Problem(
    'not-found',
    `the run ${id} has no stage ${stage}; it has ${names.join(', ') || 'none yet'}`,
  )
}

const NAMED_MAX = 12

/** The tests that a stage ran, one by one. */
function testRoutes(app: FastifyInstance, { recordings, requests }: RunRequestParts): void {
  app.get<{ Params: { id: string; stage: string }; Querystring: Static<typeof TestsQuery> }>(
    '/run-requests/:id/stages/:stage/tests',
    {
      schema: {
        summary: 'List the tests that a stage of a run ran, by its JUnit report',
        params: Type.Object({ id: Type.String(), stage: Type.String() }),
        querystring: TestsQuery,
      },
    },
    async ({ params, query }) => {
      const { stages } = await shownRun(recordings, await requests.get(params.id))
      const found = stages.find(({ stage }) => stage === params.stage)
      if (found === undefined)
        throw noStage(
          params,
          stages.map(({ stage }) => stage),
        )
      const all =
        found.pipelineRun === null ? [] : await recordings.tests(found.pipelineRun, params.stage)
      const wanted = all.filter(
        ({ outcome }) => query.outcome === undefined || outcome === query.outcome,
      )
      const next = query.after + query.limit
      return {
        counts: found.tests,
        tests: wanted.slice(query.after, next),
        next: next < wanted.length ? next : null,
      }
    },
  )
}

/** A run with its stages, by all recordings of it. */
export async function shownRun(
  recordings: Pick<Recordings, 'get'>,
  request: RunRequest,
): Promise<ShownRunDetail> {
  const turns = await Promise.all(
    request.pipelineRuns.map((id) => recordings.get(id).catch(unlessUnknown)),
  )
  const known = turns.filter((turn) => turn !== undefined)
  return { ...runRequestToWire(request), stages: stagesToWire(request, known) }
}

/** A turn that ended before it began to tell has no recording. */
function unlessUnknown(error: unknown): RecordedTurn | undefined {
  if (error instanceof Problem && error.code === 'not-found') return undefined
  throw error
}
