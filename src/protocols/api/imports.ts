import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import type { GivenModel, Registry } from '#registry'
import type { GivenSeries, Tracking } from '#tracking'

/** What one request may hold, so that no transaction keeps other writers waiting for long. */
const MOST = { things: 500, points: 20_000, versions: 200, ids: 1000 } as const

const literals = <T extends string>(...texts: T[]) =>
  Type.Union(texts.map((text) => Type.Literal(text)))
const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])
const Text = Type.String()
const Id = Type.String({ minLength: 1, maxLength: 500 })
const RunId = Type.String({ pattern: '^[0-9a-f]{32}$' })
const Ms = Type.Integer({ minimum: 0 })
const Pairs = Type.Array(Type.Object({ key: Type.String({ minLength: 1 }), value: Text }))
const Lifecycle = literals('active', 'deleted')
const Source = Type.String({
  minLength: 1,
  maxLength: 2000,
  pattern: '^[^\\u0000]*$',
  description: 'Where it was read. What was taken from one source before is known again by it.',
})
/** A number, or what JSON has no number for. */
const Value = Type.Union([Type.Number(), literals('NaN', 'Infinity', '-Infinity')])

const ExperimentsBody = Type.Object({
  source: Source,
  experiments: Type.Array(
    Type.Object({
      id: Id,
      name: Type.String({ minLength: 1, maxLength: 500 }),
      artifactLocation: Type.Optional(Text),
      lifecycle: Lifecycle,
      createdMs: Ms,
      updatedMs: Ms,
      tags: Pairs,
    }),
    { maxItems: MOST.things },
  ),
})
const RunsBody = Type.Object({
  source: Source,
  runs: Type.Array(
    Type.Object({
      runId: RunId,
      experimentId: Type.String({ pattern: '^[0-9]{1,15}$' }),
      name: Text,
      userId: Text,
      status: literals('running', 'scheduled', 'finished', 'failed', 'killed'),
      startMs: Ms,
      endMs: Nullable(Ms),
      lifecycle: Lifecycle,
      artifactUri: Type.Optional(Text),
      params: Pairs,
      tags: Pairs,
      datasets: Type.Array(
        Type.Object({
          name: Text,
          digest: Text,
          sourceType: Text,
          source: Text,
          schema: Nullable(Text),
          profile: Nullable(Text),
          tags: Pairs,
        }),
      ),
      modelInputs: Type.Array(Id),
      modelOutputs: Type.Array(Type.Object({ modelId: Id, step: Type.Integer() })),
    }),
    { maxItems: MOST.things },
  ),
})
const MetricsBody = Type.Object({
  source: Source,
  series: Type.Array(
    Type.Object({
      runId: RunId,
      key: Type.String({ minLength: 1 }),
      atMs: Type.Array(Type.Integer()),
      steps: Type.Array(Type.Integer()),
      values: Type.Array(Value),
    }),
    { maxItems: MOST.points },
  ),
})
const LoggedModelsBody = Type.Object({
  source: Source,
  models: Type.Array(
    Type.Object({
      modelId: Id,
      experimentId: Type.String({ pattern: '^[0-9]{1,15}$' }),
      name: Text,
      artifactUri: Type.Optional(Text),
      createdMs: Ms,
      updatedMs: Ms,
      status: literals('pending', 'ready', 'failed'),
      modelType: Text,
      sourceRunId: Nullable(Text),
      lifecycle: Lifecycle,
      params: Pairs,
      tags: Pairs,
      metrics: Type.Array(
        Type.Object({
          runId: Text,
          key: Type.String({ minLength: 1 }),
          value: Value,
          step: Type.Integer(),
          atMs: Type.Integer(),
          dataset: Type.Optional(Type.Object({ name: Text, digest: Text })),
        }),
      ),
    }),
    { maxItems: MOST.things },
  ),
})
const Number1 = Type.Integer({ minimum: 1 })
const ModelBody = Type.Object({
  source: Source,
  model: Type.Object({
    name: Id,
    note: Text,
    createdMs: Ms,
    updatedMs: Ms,
    tags: Pairs,
    aliases: Type.Array(Type.Object({ alias: Id, version: Number1 })),
    lastVersion: Type.Integer({ minimum: 0 }),
    versions: Type.Array(
      Type.Object({
        version: Number1,
        source: Text,
        location: Text,
        runId: Nullable(Text),
        runLink: Nullable(Text),
        loggedModelId: Nullable(Text),
        stage: literals('none', 'staging', 'production', 'archived'),
        note: Text,
        createdMs: Ms,
        updatedMs: Ms,
        tags: Pairs,
      }),
      { maxItems: MOST.versions },
    ),
  }),
})
const Kind = literals('experiment', 'run', 'logged-model', 'registered-model')
const MarksBody = Type.Object({
  source: Source,
  marks: Type.Array(Type.Object({ kind: Kind, id: Id, ownId: Id, digest: Text }), {
    maxItems: MOST.ids,
  }),
})
const AskMarksBody = Type.Object({
  source: Source,
  kind: Kind,
  ids: Type.Array(Id, { maxItems: MOST.ids }),
})
const CountsBody = Type.Object({ runs: Type.Array(RunId, { maxItems: MOST.ids }) })

/** Taking in what another MLflow store kept, with its identifiers. Each request is kept whole or not at all, and may be sent again. */
export function importRoutes(
  app: FastifyInstance,
  { tracking, registry, actor }: { tracking: Tracking; registry: Registry; actor: Actor },
): void {
  const { intake } = tracking
  app.post<{ Body: Static<typeof ExperimentsBody> }>(
    '/imports/experiments',
    { schema: { summary: 'Take in experiments of another store', body: ExperimentsBody } },
    async ({ body }) => ({
      experiments: await intake.experiments(actor, body.source, body.experiments),
    }),
  )
  app.post<{ Body: Static<typeof RunsBody> }>(
    '/imports/runs',
    { schema: { summary: 'Take in runs of another store, all but metrics', body: RunsBody } },
    async ({ body }) => ({ outcomes: await intake.runs(actor, body.source, body.runs) }),
  )
  app.post<{ Body: Static<typeof MetricsBody> }>(
    '/imports/metrics',
    { schema: { summary: 'Take in points of metrics of runs that are here', body: MetricsBody } },
    async ({ body }) => ({ points: await intake.metrics(actor, body.source, seriesIn(body)) }),
  )
  app.post<{ Body: Static<typeof LoggedModelsBody> }>(
    '/imports/logged-models',
    { schema: { summary: 'Take in logged models of another store', body: LoggedModelsBody } },
    async ({ body }) => {
      const models = body.models.map((model) => ({
        ...model,
        metrics: model.metrics.map((metric) => ({ ...metric, value: valueIn(metric.value) })),
      }))
      return { outcomes: await intake.loggedModels(actor, body.source, models) }
    },
  )
  app.post<{ Body: { source: string; model: GivenModel } }>(
    '/imports/registered-models',
    {
      schema: { summary: 'Take in a registered model with some of its versions', body: ModelBody },
    },
    async ({ body }) => registry.intake.model(actor, body.source, body.model),
  )
  markRoutes(app, tracking)
}

function markRoutes(app: FastifyInstance, { intake }: Tracking): void {
  app.post<{ Body: Static<typeof MarksBody> }>(
    '/imports/marks',
    { schema: { summary: 'Remember what has been taken in whole', body: MarksBody } },
    async ({ body }) => {
      await intake.mark(body.source, body.marks)
      return {}
    },
  )
  app.post<{ Body: Static<typeof AskMarksBody> }>(
    '/imports/marks/find',
    { schema: { summary: 'What has been taken in of these things', body: AskMarksBody } },
    async ({ body }) => ({ marks: await intake.marks(body.source, body.kind, body.ids) }),
  )
  app.post<{ Body: Static<typeof CountsBody> }>(
    '/imports/counts',
    { schema: { summary: 'How much is here of these runs', body: CountsBody } },
    async ({ body }) => ({ runs: await intake.counts(body.runs) }),
  )
}

/** A number, or one that JSON has only a word for. */
function valueIn(value: unknown): number {
  return Number(value)
}

function seriesIn({ series }: Static<typeof MetricsBody>): GivenSeries[] {
  const points = series.reduce((sum, { values }) => sum + values.length, 0)
  if (points > MOST.points)
    throw new Problem(
      'limit',
      `one request may hold ${MOST.points} points, and this one has ${points}; send several`,
    )
  return series.map(({ runId, key, atMs, steps, values }) => {
    if (atMs.length !== values.length || steps.length !== values.length)
      throw new Problem(
        'invalid',
        `the metric ${key} has ${values.length} values, ${steps.length} steps and ${atMs.length} times; send one of each for a point`,
      )
    return {
      runId,
      key,
      points: values.map((value, index) => ({
        value: valueIn(value),
        step: steps[index] ?? 0,
        atMs: atMs[index] ?? 0,
      })),
    }
  })
}
