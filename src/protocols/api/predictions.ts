import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import { predictionId, rowsOf, type Value } from '#inference'
import { TRUTHS_MAX, type PredictionRow, type Serving, type Truth } from '#serving'
import { isoOf, timeIn } from './endpoints.ts'

const EndpointName = Type.Object({ endpoint: Type.String() })
const Time = Type.Union([Type.Number(), Type.String()])
const strict = { additionalProperties: false } as const

const PredictBody = Type.Object(
  {
    records: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
      minItems: 1,
      description: 'A row each: values by column.',
    }),
  },
  strict,
)

const TruthsBody = Type.Object(
  {
    truths: Type.Array(
      Type.Object(
        {
          prediction: Type.Optional(Type.String({ minLength: 1, maxLength: 250 })),
          key: Type.Optional(
            Type.Unknown({ description: "The entity's key: a text or a number." }),
          ),
          label: Type.Unknown({ description: 'A number, a text, true or false.' }),
          time: Type.Optional(
            Type.Unknown({ description: 'When it became known, in event time.' }),
          ),
        },
        strict,
      ),
      { maxItems: TRUTHS_MAX },
    ),
  },
  strict,
)

const LogQuery = Type.Object({
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  role: Type.Optional(Type.Union([Type.Literal('live'), Type.Literal('shadow')])),
  revision: Type.Optional(Type.Integer({ minimum: 1 })),
  limit: Type.Integer({ minimum: 1, maximum: 10_000, default: 100 }),
  after: Type.Optional(Type.String({ pattern: '^-?\\d+\\.\\d+\\.\\d+$' })),
})

/** Which of the predictions of one id. */
export const PredictionQuery = Type.Object({
  endpoint: Type.Optional(
    Type.String({ description: 'Where it was told by a name that others use too.' }),
  ),
})

export function predictionToWire({ eventMs, atMs, ...row }: PredictionRow) {
  return { ...row, event: isoOf(eventMs), at: isoOf(atMs) }
}

/** Predictions: asking for them, looking them up, and telling what turned out to be true. */
export function predictionRoutes(app: FastifyInstance, serving: Serving): void {
  predictRoute(app, serving)
  logRoutes(app, serving)
  truthRoute(app, serving)
}

function predictRoute(app: FastifyInstance, serving: Serving): void {
  app.post<{ Params: { endpoint: string }; Body: Static<typeof PredictBody> }>(
    '/endpoints/:endpoint/predictions',
    { schema: { summary: 'Predict rows', params: EndpointName, body: PredictBody } },
    async ({ params, body, headers }) => {
      const columns = [...new Set(body.records.flatMap((record) => Object.keys(record)))]
      const rows = body.records.map((record) =>
        columns.map(
          (column) => ((Object.hasOwn(record, column) ? record[column] : null) ?? null) as Value,
        ),
      )
      const id = headers['x-request-id']
      const answer = await serving.predict(params.endpoint, {
        input: { form: 'rows', columns, rows },
        ...(typeof id === 'string' ? { id } : {}),
      })
      const outputs = answer.outputs.map((output) => ({
        name: output.name,
        values: rowsOf(output),
      }))
      return {
        batch: answer.batch,
        revision: answer.revision,
        modelVersion: answer.modelVersion,
        predictions: rows.map((_, row) => ({
          id: predictionId(answer.batch, row),
          outputs: Object.fromEntries(
            outputs.map(({ name, values }) => [name, plain(values[row] ?? null)]),
          ),
        })),
      }
    },
  )
}

function logRoutes(app: FastifyInstance, serving: Serving): void {
  app.get<{ Params: { endpoint: string }; Querystring: Static<typeof LogQuery> }>(
    '/endpoints/:endpoint/predictions',
    {
      schema: {
        summary: 'List logged predictions with their truths, in the order of event time',
        params: EndpointName,
        querystring: LogQuery,
      },
    },
    async ({ params, query }) => {
      await serving.endpoints.get(params.endpoint)
      const { from, to, ...filter } = query
      const page = await serving.predictions.window(params.endpoint, {
        ...filter,
        fromMs: from === undefined ? Number.MIN_SAFE_INTEGER : timeIn(from),
        toMs: to === undefined ? Number.MAX_SAFE_INTEGER : timeIn(to),
      })
      return { predictions: page.rows.map(predictionToWire), next: page.next }
    },
  )
  app.get<{ Params: { id: string }; Querystring: { endpoint?: string } }>(
    '/predictions/:id',
    {
      schema: {
        summary: 'Show one prediction with its truth and what shadows said',
        params: Type.Object({ id: Type.String() }),
        querystring: PredictionQuery,
      },
    },
    async ({ params, query }) => {
      const found = await serving.predictions.find(params.id, query.endpoint)
      if (found === undefined)
        throw new Problem(
          'not-found',
          `there is no prediction ${params.id}; the header x-prediction-id gives a batch, whose rows are BATCH-0, BATCH-1 and so on`,
        )
      const { truth, ...row } = found
      return {
        ...predictionToWire(row),
        truth:
          truth === null
            ? null
            : { label: truth.label, time: isoOf(truth.timeMs), at: isoOf(truth.atMs) },
      }
    },
  )
}

function truthRoute(app: FastifyInstance, serving: Serving): void {
  app.post<{ Params: { endpoint: string }; Body: Static<typeof TruthsBody> }>(
    '/endpoints/:endpoint/ground-truth',
    {
      schema: {
        summary: 'Report what turned out to be true; the last label wins, early and late are fine',
        params: EndpointName,
        body: TruthsBody,
      },
    },
    async ({ params, body }) => serving.recordTruths(params.endpoint, body.truths.map(truthIn)),
  )
}

function truthIn(
  { prediction, key, label, time }: Static<typeof TruthsBody>['truths'][number],
  index: number,
): Truth {
  if ((prediction === undefined) === (key === undefined))
    throw new Problem('invalid', `truth ${index} must name either a prediction or a key`)
  if (key !== undefined && typeof key !== 'string' && typeof key !== 'number')
    throw new Problem('invalid', `truth ${index} has a key that is neither a text nor a number`)
  if (!isLabel(label))
    throw new Problem(
      'invalid',
      `truth ${index} has the label ${JSON.stringify(label)}; it must be a number, a text, true or false`,
    )
  const timed = typeof time === 'string' || typeof time === 'number'
  if (time !== undefined && time !== null && !timed)
    throw new Problem('invalid', `truth ${index} has a time that is neither a text nor a number`)
  return {
    ref:
      prediction === undefined
        ? { by: 'key', value: String(key) }
        : { by: 'prediction', value: prediction },
    label,
    timeMs: timed ? timeIn(time) : null,
  }
}

function isLabel(label: unknown): label is Truth['label'] {
  return typeof label === 'string' || typeof label === 'boolean' || typeof label === 'number'
}

/** Whole numbers that JSON would round are told as texts. */
function plain(value: Value): unknown {
  if (Array.isArray(value)) return (value as readonly Value[]).map(plain)
  return typeof value === 'bigint' ? String(value) : value
}
