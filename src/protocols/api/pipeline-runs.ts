import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import type { Json } from '#base/json'
import type { Actor } from '#ledger'
import type { PipelineRun, Recordings, StageRun } from '#pipelines'

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])
const Data = Type.Object({
  path: Type.String({ minLength: 1, maxLength: 4096 }),
  md5: Type.String({ pattern: '^[0-9a-f]{32}(\\.dir)?$' }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  files: Type.Optional(Type.Integer({ minimum: 0 })),
})
const StartBody = Type.Object({
  id: Type.Optional(
    Type.String({
      pattern: '^[\\w.-]{1,100}$',
      description: 'Makes a repeated request the same start.',
    }),
  ),
  project: Type.String({ minLength: 1, maxLength: 200 }),
  commit: Nullable(Type.String()),
  dirty: Type.Boolean(),
  branch: Nullable(Type.String()),
  stages: Type.Array(Type.String(), { maxItems: 10_000 }),
  cause: Type.Optional(Type.String()),
})
const Word = Type.String({ maxLength: 200 })
const StageBody = Type.Object({
  stage: Type.String({ minLength: 1, maxLength: 500 }),
  command: Type.Union([Type.String(), Type.Array(Type.String())]),
  params: Type.Record(Type.String(), Type.Unknown()),
  deps: Type.Array(Data),
  environment: Nullable(
    Type.Object({
      digest: Type.String(),
      lock: Type.String(),
      python: Type.String(),
      os: Type.String(),
      cpu: Type.String(),
      name: Type.Optional(Word),
      kind: Type.Optional(Word),
      source: Type.Optional(Type.String({ maxLength: 4096 })),
      key: Type.Optional(Word),
      cpus: Type.Optional(Type.Integer({ minimum: 0 })),
      cpuFlags: Type.Optional(Type.Array(Word, { maxItems: 100 })),
      glibc: Type.Optional(Word),
      blas: Type.Optional(Word),
    }),
  ),
  pinned: Type.Optional(
    Type.Object({
      variables: Type.Record(Type.String({ maxLength: 200 }), Type.String({ maxLength: 2000 }), {
        maxProperties: 100,
      }),
      own: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 100 }),
    }),
  ),
  why: Type.Optional(Type.Array(Type.String({ maxLength: 20_000 }), { maxItems: 100 })),
  experiment: Type.Optional(Type.String({ maxLength: 500 })),
  checks: Type.Optional(
    Type.Object({
      outcome: Type.Union([
        Type.Literal('passed'),
        Type.Literal('warned'),
        Type.Literal('failed'),
        Type.Literal('skipped'),
      ]),
      verdicts: Type.Array(
        Type.Object({
          contract: Type.String(),
          digest: Type.String(),
          outcome: Type.Union([
            Type.Literal('passed'),
            Type.Literal('warned'),
            Type.Literal('failed'),
          ]),
          reason: Nullable(Type.String()),
        }),
        { maxItems: 1000 },
      ),
    }),
  ),
})
const Sight = Type.Object({
  watch: Type.Union([Type.Literal('strict'), Type.Literal('observe'), Type.Literal('off')]),
  reason: Nullable(Type.String({ maxLength: 10_000 })),
  outcome: Type.Union([Type.Literal('clean'), Type.Literal('undeclared'), Type.Literal('unknown')]),
  findings: Type.Array(
    Type.Object({
      kind: Type.Union([
        Type.Literal('undeclared-read'),
        Type.Literal('undeclared-probe'),
        Type.Literal('outside-read'),
        Type.Literal('write-outside-outs'),
        Type.Literal('network'),
      ]),
      stage: Type.String({ maxLength: 500 }),
      what: Type.String({ maxLength: 10_000 }),
      words: Type.String({ maxLength: 20_000 }),
      add: Nullable(Type.String({ maxLength: 20_000 })),
    }),
    { maxItems: 1000, description: 'What the stage looked at or changed without declaring it.' },
  ),
})
const StageEndBody = Type.Object({
  outcome: Type.Union([Type.Literal('succeeded'), Type.Literal('failed'), Type.Literal('killed')]),
  reason: Nullable(Type.String()),
  outs: Type.Array(Data),
  metrics: Type.Record(Type.String(), Type.Number()),
  logTail: Type.String(),
  sight: Type.Optional(Sight),
  tests: Type.Optional(
    Type.Array(
      Type.Object({
        suite: Type.String({ maxLength: 1000 }),
        name: Type.String({ maxLength: 1000 }),
        outcome: Type.Union([
          Type.Literal('passed'),
          Type.Literal('failed'),
          Type.Literal('error'),
          Type.Literal('skipped'),
        ]),
        seconds: Type.Number({ minimum: 0 }),
        message: Nullable(Type.String({ maxLength: 10_000 })),
        detail: Nullable(Type.String({ maxLength: 10_000 })),
      }),
      { maxItems: 20_000, description: 'Tests that the stage ran, by its report.' },
    ),
  ),
})
const SkipBody = Type.Object({
  why: Type.Union([Type.Literal('up-to-date'), Type.Literal('restored')]),
  reason: Type.String(),
  outs: Type.Array(Data),
})
const EndBody = Type.Object({
  outcome: Type.Union([Type.Literal('succeeded'), Type.Literal('failed'), Type.Literal('killed')]),
  reason: Nullable(Type.String()),
  lockDigest: Nullable(Type.String()),
})
const Id = Type.Object({ id: Type.String() })
const IdAndStage = Type.Object({ id: Type.String(), stage: Type.String() })
const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  before: Type.Optional(Type.String()),
  project: Type.Optional(Type.String()),
})

export function pipelineRunToWire({ startedMs, endedMs, ...run }: PipelineRun | StageRun) {
  return {
    ...run,
    started: new Date(startedMs).toISOString(),
    ended: endedMs === null ? null : new Date(endedMs).toISOString(),
  }
}

/** What a pipeline tells while it runs, on whichever machine; and what became of those that ran. */
export function pipelineRunRoutes(
  app: FastifyInstance,
  recordings: Recordings,
  actor: Actor,
): void {
  app.post<{ Body: Static<typeof StartBody> }>(
    '/pipeline-runs',
    { schema: { summary: 'Tell that a pipeline run begins', body: StartBody } },
    async ({ body }) => ({ pipelineRunId: (await recordings.start(actor, body)).id }),
  )
  app.post<{ Params: { id: string }; Body: Static<typeof StageBody> }>(
    '/pipeline-runs/:id/stages',
    {
      schema: {
        summary: 'Tell that a stage begins; gives its MLflow run',
        params: Id,
        body: StageBody,
      },
    },
    async ({ params, body, protocol, host }) => {
      const start = { ...body, params: body.params as Record<string, Json> }
      const { runId, experimentId } = await recordings.startStage(actor, params.id, start)
      return {
        runId,
        environment: {
          MLFLOW_TRACKING_URI: `${protocol}://${host}`,
          MLFLOW_EXPERIMENT_ID: experimentId,
          MLFLOW_RUN_ID: runId,
          // The client tells its maker of its use unless asked not to.
          MLFLOW_DISABLE_TELEMETRY: 'true',
        },
      }
    },
  )
  app.post<{ Params: { id: string; stage: string }; Body: Static<typeof StageEndBody> }>(
    '/pipeline-runs/:id/stages/:stage/finish',
    { schema: { summary: 'Tell how a stage ended', params: IdAndStage, body: StageEndBody } },
    async ({ params, body }) => {
      await recordings.finishStage(actor, params.id, params.stage, body)
      return {}
    },
  )
  app.post<{ Params: { id: string; stage: string }; Body: Static<typeof SkipBody> }>(
    '/pipeline-runs/:id/stages/:stage/skip',
    {
      schema: {
        summary: 'Tell that a stage had nothing to do',
        params: IdAndStage,
        body: SkipBody,
      },
    },
    async ({ params, body }) => {
      await recordings.skipStage(actor, params.id, { stage: params.stage, ...body })
      return {}
    },
  )
  app.post<{ Params: { id: string }; Body: Static<typeof EndBody> }>(
    '/pipeline-runs/:id/finish',
    { schema: { summary: 'Tell how a pipeline run ended', params: Id, body: EndBody } },
    async ({ params, body }) => {
      await recordings.finish(actor, params.id, body)
      return {}
    },
  )
  readRoutes(app, recordings)
}

function readRoutes(app: FastifyInstance, recordings: Recordings): void {
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/pipeline-runs',
    { schema: { summary: 'List pipeline runs, newest first', querystring: ListQuery } },
    async ({ query }) => {
      const runs = await recordings.list(query)
      return {
        pipelineRuns: runs.map(pipelineRunToWire),
        next: runs.length === query.limit ? (runs.at(-1)?.id ?? null) : null,
      }
    },
  )
  app.get<{ Params: { id: string } }>(
    '/pipeline-runs/:id',
    { schema: { summary: 'Show a pipeline run with its stages', params: Id } },
    async ({ params }) => {
      const { stageRuns, ...run } = await recordings.get(params.id)
      return { ...pipelineRunToWire(run), stageRuns: stageRuns.map(pipelineRunToWire) }
    },
  )
}
