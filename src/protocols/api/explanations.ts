import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { goneSignal } from '#base/gone'
import type { Explain, ExplanationRequest } from '#explanations'
import type { Value } from '#inference'

const Records = Type.Array(Type.Record(Type.String(), Type.Unknown()), {
  minItems: 1,
  maxItems: 20_000,
  description: 'A row each: values by column.',
})

const ExplanationBody = Type.Object(
  {
    records: Records,
    background: Type.Optional(Records),
    method: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('sampling'), Type.Literal('paths')], {
        default: 'auto',
      }),
    ),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'Of those that answer.' })),
    evaluations: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2_000_000, description: 'Rows to ask the model for.' }),
    ),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 })),
    timeout: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 600_000, description: 'In milliseconds.' }),
    ),
  },
  { additionalProperties: false },
)

/** Why a model answered as it did. */
export function explanationRoutes(app: FastifyInstance, explain: Explain['explain']): void {
  app.post<{ Params: { endpoint: string }; Body: Static<typeof ExplanationBody> }>(
    '/endpoints/:endpoint/explanations',
    {
      schema: {
        summary: 'Explain what a model answers for rows: base and values add up to the answer',
        params: Type.Object({ endpoint: Type.String() }),
        body: ExplanationBody,
      },
    },
    async ({ params, body }, reply) =>
      explain(params.endpoint, {
        ...requestOf(body),
        // As predictions that are asked here, which name no caller either.
        caller: {},
        signal: goneSignal(reply.raw),
      }),
  )
}

function requestOf(body: Static<typeof ExplanationBody>): ExplanationRequest {
  const { records, background, method, version, evaluations, seed, timeout } = body
  return {
    input: rowsOf(records),
    ...(background === undefined ? {} : { background: rowsOf(background) }),
    ...(method === undefined ? {} : { method }),
    ...(version === undefined ? {} : { pin: { by: 'version', version } }),
    ...(evaluations === undefined ? {} : { evaluationsMax: evaluations }),
    ...(seed === undefined ? {} : { seed }),
    ...(timeout === undefined ? {} : { deadlineMs: timeout }),
  }
}

function rowsOf(records: Static<typeof Records>) {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))]
  const rows = records.map((record) =>
    columns.map((name) => ((Object.hasOwn(record, name) ? record[name] : null) ?? null) as Value),
  )
  return { form: 'rows' as const, columns, rows }
}
