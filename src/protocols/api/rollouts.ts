import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Actor } from '#ledger'
import { numbersOf, ORDERS, sharesOf, type Order, type Rollout, type Rollouts } from '#rollouts'
import type { Serving } from '#serving'
import { endpointToWire, isoOf } from './endpoints.ts'

interface EndpointPath {
  Params: { endpoint: string }
}

const EndpointName = Type.Object({ endpoint: Type.String() })

/** Moves of traffic from one revision to the next, and how traffic is divided. */
export function rolloutRoutes(
  app: FastifyInstance,
  parts: {
    rollouts: Pick<Rollouts<never>, 'list' | 'newest' | 'order'>
    serving: Pick<Serving, 'setTraffic'>
    actor: Actor
  },
): void {
  const { rollouts, serving, actor } = parts
  app.get<EndpointPath & { Querystring: { before?: string; limit: number } }>(
    '/endpoints/:endpoint/rollouts',
    {
      schema: {
        summary: 'List the rollouts of an endpoint, newest first',
        params: EndpointName,
        querystring: Type.Object({
          before: Type.Optional(Type.String({ description: '`next` of the page before' })),
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
        }),
      },
    },
    async ({ params, query }) => {
      const { before, limit } = query
      const page = before === undefined ? { limit } : { limit, before }
      const found = await rollouts.list(params.endpoint, page)
      const last = found.length === limit ? found.at(-1) : undefined
      return { rollouts: found.map(rolloutToWire), next: last?.id ?? null }
    },
  )
  app.get<EndpointPath>(
    '/endpoints/:endpoint/rollouts/newest',
    { schema: { summary: 'Show the newest rollout of an endpoint', params: EndpointName } },
    async ({ params }) => rolloutToWire(await rollouts.newest(params.endpoint)),
  )
  for (const order of ORDERS)
    app.post<EndpointPath & { Body: { reason?: string } | null }>(
      `/endpoints/:endpoint/rollouts/${order}`,
      {
        schema: {
          summary: SUMMARIES[order],
          params: EndpointName,
          body: Type.Optional(
            Type.Object(
              { reason: Type.Optional(Type.String({ maxLength: 2000 })) },
              { additionalProperties: false },
            ),
          ),
        },
      },
      async ({ params, body }) =>
        rolloutToWire(await rollouts.order(actor, params.endpoint, order, body?.reason ?? null)),
    )
  trafficRoute(app, serving, actor)
}

const SUMMARIES: Readonly<Record<Order, string>> = {
  pause: 'Stay at this step; guards watch on',
  resume: 'Go on with a rollout that is paused',
  abort: 'Give all traffic back to the old revision',
  finish: 'Give all traffic to the new revision now',
  undo: 'Take a completed rollout back',
}

function trafficRoute(
  app: FastifyInstance,
  serving: Pick<Serving, 'setTraffic'>,
  actor: Actor,
): void {
  app.put<EndpointPath & { Body: { weights: { revision: number; weight: number }[] } }>(
    '/endpoints/:endpoint/traffic',
    {
      schema: {
        summary: 'Divide the traffic of an endpoint among revisions, by relative weights',
        params: EndpointName,
        body: Type.Object(
          {
            weights: Type.Array(
              Type.Object(
                {
                  revision: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
                  weight: Type.Number({ minimum: 0, maximum: 1e9 }),
                },
                { additionalProperties: false },
              ),
              { minItems: 1, maxItems: 20 },
            ),
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ params, body }) =>
      endpointToWire(await serving.setTraffic(actor, params.endpoint, body.weights)),
  )
}

export function rolloutToWire(rollout: Rollout) {
  const { id, endpoint, from, to, state, step, plan, startedMs, endedMs, reason } = rollout
  return {
    id,
    endpoint,
    from,
    to,
    state,
    step: step + 1,
    steps: plan.steps,
    share: sharesOf(rollout).fresh,
    started: new Date(startedMs).toISOString(),
    ended: isoOf(endedMs),
    reason,
    rollback: plan.rollback,
    everyMs: plan.everyMs,
    stepMs: rollout.stepMs,
    minSamples: plan.minSamples,
    stepSamples: rollout.stepSamples,
    numbers: numbersOf(rollout),
  }
}
