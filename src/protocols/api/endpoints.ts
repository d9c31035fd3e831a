import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Actor } from '#ledger'
import { instantMs, versionName, type Revision } from '#inference'
import { type Endpoint, type Serving } from '#serving'
import { Problem } from '#base/problem'

const EndpointName = Type.Object({ endpoint: Type.String() })

export function endpointToWire(endpoint: Endpoint) {
  const { declaredMs, live, answering, shadowing, ...rest } = endpoint
  return {
    ...rest,
    declared: new Date(declaredMs).toISOString(),
    live: live === null ? null : revisionToWire(live),
    answering: answering.map(({ revision, weight }) => ({ ...revisionToWire(revision), weight })),
    shadowing: shadowing.map(revisionToWire),
  }
}

export function revisionToWire({ createdMs, number, ...revision }: Revision) {
  return {
    revision: number,
    ...revision,
    modelVersion: versionName(revision),
    created: new Date(createdMs).toISOString(),
  }
}

/** What serves, and under which name. */
export function endpointRoutes(app: FastifyInstance, serving: Serving, actor: Actor): void {
  const stateOf = (name: string) =>
    serving.readiness().endpoints.find(({ endpoint }) => endpoint === name)?.state ?? 'undeployed'
  const shown = async (endpoint: Endpoint) => ({
    ...endpointToWire(endpoint),
    state: stateOf(endpoint.name),
    watermark: isoOf(await serving.predictions.watermark(endpoint.name)),
  })

  app.get('/endpoints', { schema: { summary: 'List endpoints' } }, async () => ({
    endpoints: await Promise.all((await serving.endpoints.list()).map(shown)),
  }))
  app.get<{ Params: { endpoint: string } }>(
    '/endpoints/:endpoint',
    { schema: { summary: 'Show an endpoint', params: EndpointName } },
    async ({ params }) => shown(await serving.endpoints.get(params.endpoint)),
  )
  app.get<{ Params: { endpoint: string }; Querystring: { before?: number; limit: number } }>(
    '/endpoints/:endpoint/revisions',
    {
      schema: {
        summary: 'List what has served at an endpoint, newest first',
        params: EndpointName,
        querystring: Type.Object({
          before: Type.Optional(Type.Integer({ minimum: 1 })),
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
        }),
      },
    },
    async ({ params, query }) => {
      const revisions = await serving.endpoints.revisions(params.endpoint, query)
      const last = revisions.at(-1)
      const more = revisions.length === query.limit && last !== undefined && last.number > 1
      return { revisions: revisions.map(revisionToWire), next: more ? last.number : null }
    },
  )
  app.post<{ Params: { endpoint: string } }>(
    '/endpoints/:endpoint/rollout',
    {
      schema: {
        summary: 'Serve what the model URI of the endpoint means now; answers when it serves',
        params: EndpointName,
      },
    },
    async ({ params }) => {
      const outcome = await serving.rollOut(actor, params.endpoint)
      return { outcome, ...(await shown(await serving.endpoints.get(params.endpoint))) }
    },
  )
  watermarkRoute(app, serving)
}

function watermarkRoute(app: FastifyInstance, serving: Serving): void {
  app.post<{ Params: { endpoint: string }; Body: { time: string | number } }>(
    '/endpoints/:endpoint/watermark',
    {
      schema: {
        summary: 'Say that event time has come so far, though nothing was predicted',
        params: EndpointName,
        body: Type.Object(
          {
            time: Type.Union([Type.Number(), Type.String()], {
              description: 'RFC 3339, or milliseconds since 1970.',
            }),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ params, body }) => {
      const watermarkMs = await serving.advance(params.endpoint, timeIn(body.time))
      return { watermark: isoOf(watermarkMs) }
    },
  )
}

/** A point in time as requests write it. Throws `invalid`. */
export function timeIn(given: string | number): number {
  const text = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given
  const ms = instantMs(text)
  if (ms === undefined)
    throw new Problem(
      'invalid',
      `${JSON.stringify(given)} is no time; write RFC 3339 or milliseconds since 1970`,
    )
  return ms
}

export function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
