import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { parseExactJson, printExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import {
  COST_KEY,
  costIn,
  NAME_TAG,
  parseTraceFilter,
  parseTraceOrder,
  SESSION_KEY,
  SOURCE_RUN_KEY,
  TOKENS_KEY,
  tokensIn,
  valueOf,
  type Assessment,
  type TraceRecord,
  type Traces,
} from '#traces'
import type { Tracking } from '#tracking'
import { placeIn, tokenOf } from './places.ts'
import type {
  AssessmentWire,
  SpanWire,
  TracesWire,
  TraceWire,
  WholeTraceWire,
} from './traces-wire.ts'

/** Experiments that a search without one looks into. */
const EXPERIMENTS_MAX = 1000

const ListQuery = Type.Object({
  experiment: Type.Optional(
    Type.String({
      pattern: '^\\d{1,15}$',
      description: 'Only traces of this experiment.',
      examples: ['0'],
    }),
  ),
  filter: Type.Optional(
    Type.String({
      maxLength: 10_000,
      description: "As MLflow's search_traces reads it.",
      examples: ["status = 'OK'"],
    }),
  ),
  order: Type.Optional(
    Type.String({
      maxLength: 300,
      description: 'A key, then ASC or DESC.',
      examples: ['timestamp_ms'],
    }),
  ),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  after: Type.Optional(
    Type.String({
      maxLength: 10_000,
      description: 'The page before said it.',
      examples: ['WzE3NTAwMDAwMDAwMDAsInRyLTEiXQ'],
    }),
  ),
})
const OneTrace = Type.Object({ trace: Type.String({ minLength: 1, maxLength: 100 }) })
const FeedbackBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 250, pattern: '^[^\\u0000]+$' }),
    value: Type.Union([
      Type.String({ maxLength: 10_000, pattern: '^[^\\u0000]*$' }),
      Type.Boolean(),
      Type.Number(),
    ]),
    rationale: Type.Optional(Type.String({ maxLength: 10_000, pattern: '^[^\\u0000]*$' })),
  },
  { additionalProperties: false },
)

interface Listing {
  readonly experiment?: string
  readonly filter?: string
  readonly order?: string
  readonly limit: number
  readonly after?: string
}

/** Traces for pages and people; applications send theirs by MLflow's protocol or OpenTelemetry's. */
export function traceRoutes(
  app: FastifyInstance,
  { traces, tracking }: { traces: Traces; tracking: Pick<Tracking, 'experiments'> },
): void {
  app.get<{ Querystring: Listing }>(
    '/traces',
    { schema: { summary: 'Search traces, newest first', querystring: ListQuery } },
    async ({ query }): Promise<TracesWire> => {
      const { traces: found, next } = await traces.search({
        experimentIds: query.experiment
          ? [String(Number(query.experiment))]
          : await everyExperiment(tracking),
        conditions: parseTraceFilter(query.filter),
        order: parseTraceOrder(query.order ? [query.order] : []),
        limit: query.limit,
        after: placeIn(query.after),
      })
      return {
        traces: found.map(traceToWire),
        next: tokenOf(next),
      }
    },
  )
  app.get<{ Params: { trace: string } }>(
    '/traces/:trace',
    { schema: { summary: 'Show a trace with its spans', params: OneTrace } },
    async ({ params }): Promise<WholeTraceWire> => {
      const [whole] = await traces.wholes([params.trace])
      const trace = whole?.trace ?? (await traces.get(params.trace))
      const spans =
        whole?.spans ??
        (await traces.whole(params.trace, { part: 'is-enough' }).catch(nothingIfElsewhere)).spans
      return { trace: traceToWire(trace), spans: spansToWire(spans) }
    },
  )
  app.post<{
    Params: { trace: string }
    Body: { name: string; value: boolean | number | string; rationale?: string }
  }>(
    '/traces/:trace/feedback',
    { schema: { summary: 'Say what you think of a trace', params: OneTrace, body: FeedbackBody } },
    async ({ params, body }, reply) => {
      const said = await traces.assessments.create(params.trace, {
        kind: 'feedback',
        name: body.name,
        value: JSON.stringify(body.value),
        error: null,
        source: { type: 'HUMAN', id: 'local' },
        runId: null,
        spanId: null,
        rationale: body.rationale || null,
        metadata: [],
        overrides: null,
        valid: true,
      })
      return reply.code(201).send(assessmentToWire(said))
    },
  )
}

async function everyExperiment({ experiments }: Pick<Tracking, 'experiments'>): Promise<string[]> {
  const { items } = await experiments.search({
    conditions: [],
    order: [],
    lifecycles: ['active'],
    limit: EXPERIMENTS_MAX,
  })
  return items.map(({ experimentId }) => experimentId)
}

function nothingIfElsewhere(error: unknown): { spans: readonly string[] } {
  if (error instanceof Problem && error.code === 'unsupported') return { spans: [] }
  throw error
}

function traceToWire(trace: TraceRecord): TraceWire {
  const { tags, metadata } = trace
  return {
    trace: trace.traceId,
    experiment: trace.experimentId,
    name: valueOf(tags, NAME_TAG) ?? null,
    at: new Date(trace.atMs).toISOString(),
    durationMs: trace.durationMs,
    state: trace.state,
    request: trace.requestPreview,
    response: trace.responsePreview,
    tokens: tokensIn(valueOf(metadata, TOKENS_KEY))?.total_tokens ?? null,
    cost: costIn(valueOf(metadata, COST_KEY))?.total_cost ?? null,
    session: valueOf(metadata, SESSION_KEY) ?? null,
    run: valueOf(metadata, SOURCE_RUN_KEY) ?? null,
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    metadata: Object.fromEntries(metadata.map(({ key, value }) => [key, value])),
    assessments: trace.assessments.map(assessmentToWire),
  }
}

function assessmentToWire(said: Assessment): AssessmentWire {
  return {
    id: said.assessmentId,
    kind: said.kind,
    name: said.name,
    value: said.value,
    error: said.error === null ? null : (said.error.message ?? said.error.code),
    source: `${said.source.type.toLowerCase().replaceAll('_', ' ')} ${said.source.id ?? ''}`.trim(),
    rationale: said.rationale,
    span: said.spanId,
    valid: said.valid,
  }
}

interface Content {
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly name: string
  readonly start_time_unix_nano: bigint | number
  readonly end_time_unix_nano: bigint | number | null
  readonly status: { readonly code: string; readonly message: string }
  readonly attributes: Readonly<Record<string, string>>
  readonly events: readonly {
    readonly name: string
    readonly time_unix_nano: bigint | number
    readonly attributes: unknown
  }[]
}

function spansToWire(texts: readonly string[]): SpanWire[] {
  const spans = texts.map((text) => parseExactJson(text) as unknown as Content)
  const starts = spans.map((span) => BigInt(span.start_time_unix_nano))
  const first = starts.reduce((least, start) => (start < least ? start : least), starts[0] ?? 0n)
  const since = (ns: bigint | number) => Number((BigInt(ns) - first) / 1000n) / 1000
  return spans.map((span) => {
    const { attributes, end_time_unix_nano: endNs } = span
    const startMs = since(span.start_time_unix_nano)
    const type = attributes['mlflow.spanType']
    return {
      span: span.span_id,
      parent: span.parent_span_id,
      name: span.name,
      type: type === undefined ? null : type.replaceAll('"', ''),
      status: span.status.code.replace('STATUS_CODE_', '') as SpanWire['status'],
      message: span.status.message,
      startMs,
      durationMs: endNs === null ? null : since(endNs) - startMs,
      inputs: attributes['mlflow.spanInputs'] ?? null,
      outputs: attributes['mlflow.spanOutputs'] ?? null,
      attributes,
      events: span.events.map((event) => ({
        name: event.name,
        startMs: since(event.time_unix_nano),
        attributes: printExactJson(event.attributes),
      })),
    }
  })
}
