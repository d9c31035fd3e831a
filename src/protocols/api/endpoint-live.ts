import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { sampleOf, type Recent } from '#inference'
import type { Serving } from '#serving'
import { AskingWire, LiveWire, RecentPredictionsWire } from './endpoint-wire.ts'
import { recordsOf, waysOf } from './endpoint-ways.ts'
import { predictionToWire } from './predictions.ts'

/** What is known of endpoints where they answer. */
export interface EndpointLife {
  /** Undefined while nothing answers. */
  recent(endpoint: string): Promise<Recent | undefined>
  memory(): Promise<readonly { endpoint: string; revision: number; bytes: number }[]>
  addresses(): Promise<{ port: number; grpcPort: number }>
}

export interface LiveParts {
  readonly serving: Pick<Serving, 'endpoints' | 'describe' | 'predictions'>
  readonly plane: EndpointLife
  /** Where predictions are answered, as callers on this machine reach it. */
  readonly servingHost: string
}

const EndpointName = Type.Object({ endpoint: Type.String() })
const NOTHING: Recent = {
  stepMs: 5000,
  points: [],
  latencies: [],
  p50Ms: null,
  p90Ms: null,
  p99Ms: null,
  revisions: [],
  failures: [],
}

function newestRoute(app: FastifyInstance, serving: LiveParts['serving']): void {
  app.get<{ Params: { endpoint: string }; Querystring: { limit: number; before?: number } }>(
    '/endpoints/:endpoint/predictions/newest',
    {
      schema: {
        summary: 'List the newest logged predictions, newest first, as far as they are not sealed',
        params: EndpointName,
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50 }),
          before: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: Number.MAX_SAFE_INTEGER,
              description: '`next` of the page before',
            }),
          ),
        }),
        response: { 200: RecentPredictionsWire },
      },
    },
    async ({ params, query }) => {
      const { name } = await serving.endpoints.get(params.endpoint)
      const { rows, next } = await serving.predictions.newest(name, query)
      return { predictions: rows.map(predictionToWire) as never, next }
    },
  )
}

/** How an endpoint does at this moment, and how it is asked. */
export function endpointLiveRoutes(app: FastifyInstance, parts: LiveParts): void {
  const { serving, plane } = parts
  newestRoute(app, serving)
  app.get<{ Params: { endpoint: string } }>(
    '/endpoints/:endpoint/live',
    {
      schema: {
        summary: 'Show what an endpoint answered in the last five minutes, and what it takes',
        params: EndpointName,
        response: { 200: LiveWire },
      },
    },
    async ({ params }) => {
      const { name } = await serving.endpoints.get(params.endpoint)
      const [recent = NOTHING, memory] = await Promise.all([plane.recent(name), plane.memory()])
      return liveToWire(name, recent, memory)
    },
  )
  app.get<{ Params: { endpoint: string } }>(
    '/endpoints/:endpoint/asking',
    {
      schema: {
        summary: 'Show how an endpoint is asked in each protocol, with an example',
        params: EndpointName,
        response: { 200: AskingWire },
      },
    },
    async ({ params }) => {
      const { name } = await serving.endpoints.get(params.endpoint)
      return askingToWire(name, parts)
    },
  )
}

function liveToWire(
  endpoint: string,
  recent: Recent,
  memory: readonly { endpoint: string; revision: number; bytes: number }[],
): LiveWire {
  const { points, latencies, revisions, failures, ...rest } = recent
  return {
    endpoint,
    ...rest,
    points: points.map(timed),
    latencies: [...latencies],
    revisions: [...revisions],
    failures: failures.map(timed),
    memory: memory
      .filter((each) => each.endpoint === endpoint)
      .map(({ revision, bytes }) => ({ revision, bytes })),
  }
}

function timed<Some extends { atMs: number }>({ atMs, ...rest }: Some) {
  return { at: new Date(atMs).toISOString(), ...rest }
}

async function askingToWire(
  endpoint: string,
  { serving, plane, servingHost }: LiveParts,
): Promise<AskingWire> {
  const described = await serving.describe(endpoint)
  const { port, grpcPort } = await plane.addresses()
  const host = servingHost.includes(':') ? `[${servingHost}]` : servingHost
  const base = `http://${host}:${port}`
  const sample = sampleOf(described)
  const { revision, flavor, columns } = described
  return {
    endpoint,
    modelVersion: `${revision.model}/${revision.version}`,
    flavor,
    addresses: { http: base, grpc: `${host}:${grpcPort}` },
    columns: columns?.map(({ name, type, required }) => ({ name, type, required })) ?? null,
    sample: { isExample: sample.isExample, records: recordsOf(sample.rows).map(plainRecord) },
    ways: waysOf(endpoint, described, { sample, base }),
  }
}

/** Whole numbers that JSON would round are told as texts. */
function plainRecord(record: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(record, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  ) as Record<string, unknown>
}
