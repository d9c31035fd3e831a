import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import type { Actor } from '#ledger'
import { instantMs, PINNED, settingsOf, versionName, type Revision } from '#inference'
import { monitorProblems } from '#monitoring'
import { LimitsSchema, monitorIn, type MonitorConfig } from '#projects'
import { type Endpoint, type Serving } from '#serving'
import { Problem } from '#base/problem'

const CreateBody = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$' }),
    model: Type.Optional(
      Type.String({
        pattern: '^models:/[^/@]+(@[\\w-]+|/[0-9]+)$',
        description: 'models:/NAME@ALIAS or models:/NAME/VERSION; needed but of one elsewhere',
      }),
    ),
    elsewhere: Type.Optional(
      Type.Boolean({ description: 'Another system answers, and tells of its predictions.' }),
    ),
    monitor: Type.Optional(
      Type.Object(
        {},
        { additionalProperties: true, description: 'As in orrery.yaml; of one elsewhere.' },
      ),
    ),
    pin: Type.Optional(
      Type.Boolean({
        description:
          'Keep it loaded, also when memory is short; else it is loaded at its first request.',
      }),
    ),
    limits: Type.Optional(LimitsSchema),
  },
  { additionalProperties: false },
)
const { timeout_ms: timeoutMs, queue, quota } = LimitsSchema.properties
const UpdateBody = Type.Object(
  {
    model: CreateBody.properties.model,
    pin: CreateBody.properties.pin,
    limits: Type.Optional(
      Type.Object(
        {
          timeout_ms: Type.Optional(Type.Union([timeoutMs, Type.Null()])),
          queue: Type.Optional(Type.Union([queue, Type.Null()])),
          quota: Type.Optional(Type.Union([quota, Type.Null()])),
        },
        { additionalProperties: false, description: 'Those that are null go, others stay.' },
      ),
    ),
  },
  { additionalProperties: false },
)
const EndpointName = Type.Object({ endpoint: Type.String() })

export function endpointToWire(endpoint: Endpoint) {
  const { declaredMs, live, answering, shadowing, ...rest } = endpoint
  return {
    ...rest,
    declared: new Date(declaredMs).toISOString(),
    live: live === null ? null : revisionToWire(live),
    answering: answering.map(({ revision, weight }) =>
      Object.assign(revisionToWire(revision), { weight }),
    ),
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
  const standingOf = (name: string) => {
    const standing = serving.standings().find(({ endpoint }) => endpoint === name)
    return { state: standing?.state ?? 'undeployed', reason: standing?.reason ?? null }
  }
  const shown = async (endpoint: Endpoint) => ({
    ...endpointToWire(endpoint),
    ...standingOf(endpoint.name),
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
  repositoryRoutes(app, { serving, actor, shown })
}

interface ByHand {
  readonly serving: Serving
  readonly actor: Actor
  readonly shown: (endpoint: Endpoint) => Promise<object>
}

/** Endpoints that are made, loaded and let go by hand. */
function repositoryRoutes(app: FastifyInstance, parts: ByHand): void {
  const { serving, actor, shown } = parts
  const repository = serving.repository(actor)
  app.post<{ Body: Static<typeof CreateBody> }>(
    '/endpoints',
    {
      schema: {
        summary: 'Make an endpoint of a model version; answers when it serves',
        body: CreateBody,
      },
    },
    async ({ body: { name, model, pin = false, limits, elsewhere = false, monitor } }, reply) => {
      if (elsewhere) {
        const watched = { name, model: model ?? '', monitor: soundMonitor(monitor ?? {}) }
        return reply.code(201).send(await shown(await declareElsewhere(serving, actor, watched)))
      }
      if (model === undefined || monitor !== undefined) throw servedOtherwise(name, { model })
      const settings = settingsOf({ keep: pin ? 'pinned' : 'on-demand', limits })
      await repository.create(name, { model, settings: settings ?? PINNED })
      return reply.code(201).send(await shown(await serving.endpoints.get(name)))
    },
  )
  updateRoute(app, parts)
  for (const verb of ['load', 'unload'] as const)
    app.post<{ Params: { endpoint: string } }>(
      `/endpoints/:endpoint/${verb}`,
      {
        schema: {
          summary:
            verb === 'load'
              ? 'Load what an endpoint serves; answers when it serves'
              : 'Let go what an endpoint has loaded, until it is loaded again',
          params: EndpointName,
        },
      },
      async ({ params }) => {
        const { name } = await serving.endpoints.get(params.endpoint)
        await repository[verb](name)
        return shown(await serving.endpoints.get(name))
      },
    )
  app.delete<{ Params: { endpoint: string } }>(
    '/endpoints/:endpoint',
    {
      schema: {
        summary: 'Remove an endpoint that no project declares; its predictions stay',
        params: EndpointName,
      },
    },
    async ({ params }, reply) => {
      await repository.remove(params.endpoint)
      return reply.code(204).send()
    },
  )
}

function updateRoute(app: FastifyInstance, { serving, actor, shown }: ByHand): void {
  const repository = serving.repository(actor)
  app.patch<{ Params: { endpoint: string }; Body: Static<typeof UpdateBody> }>(
    '/endpoints/:endpoint',
    {
      schema: {
        summary: 'Change an endpoint that was made by hand; what is not named stays',
        params: EndpointName,
        body: UpdateBody,
      },
    },
    async ({ params, body: { pin, ...change } }) => {
      const { endpoint } = params
      const keep = pin === undefined ? undefined : pin ? 'pinned' : 'on-demand'
      if (change.model === undefined && pin === undefined && isEmpty(change.limits))
        throw new Problem(
          'invalid',
          `say what is to be otherwise of endpoint ${endpoint}: its model, whether it is pinned, or its limits`,
        )
      await repository.update(endpoint, { ...change, keep })
      return shown(await serving.endpoints.get(endpoint))
    },
  )
}

function isEmpty(limits: object | undefined): boolean {
  return Object.keys(limits ?? {}).length === 0
}

function servedOtherwise(name: string, { model }: { model: string | undefined }): Problem {
  return new Problem(
    'invalid',
    model === undefined
      ? `endpoint ${name} needs a model: name one, or say "elsewhere": true if another system answers`
      : `the monitor of ${name} is declared in orrery.yaml; only endpoints elsewhere bring theirs`,
  )
}

function soundMonitor(raw: object): MonitorConfig {
  const monitor = monitorIn(raw)
  const problems = monitorProblems(monitor)
  if (problems.length > 0)
    throw new Problem('invalid', problems.map((each) => `monitor.${each}`).join('; '))
  return monitor
}

/** Throws `exists` where a project or a model of this server has the name. */
async function declareElsewhere(
  serving: Serving,
  actor: Actor,
  watched: { name: string; model: string; monitor: MonitorConfig },
): Promise<Endpoint> {
  const before = (await serving.endpoints.list()).find(({ name }) => name === watched.name)
  if (before !== undefined && before.elsewhere !== true)
    throw new Problem(
      'exists',
      `endpoint ${watched.name} is served here; remove it, or choose another name`,
    )
  const base = { project: '', shadows: [], elsewhere: true }
  return serving.declareEndpoint(actor, { ...watched, ...base })
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
