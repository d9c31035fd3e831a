import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { Problem } from '#base/problem'
import type { Alert, Causes, CauseSpan, Monitoring, Window } from '#monitoring'

const Endpoint = Type.Object({ endpoint: Type.String() })
const limit = Type.Integer({ minimum: 1, maximum: 200, default: 50 })
const time = Type.String({ format: 'date-time' })

export function windowToWire({ startMs, endMs, ...window }: Window) {
  return { start: iso(startMs), end: iso(endMs), ...window }
}

export function alertToWire(alert: Alert) {
  return {
    id: alert.id,
    endpoint: alert.endpoint,
    kind: alert.kind,
    subject: alert.subject,
    severity: alert.severity,
    detail: alert.detail,
    state: alert.clearedMs === null ? 'open' : 'cleared',
    raised: iso(alert.raisedMs),
    raisedWindow: iso(alert.raisedWindowMs),
    cleared: alert.clearedMs === null ? null : iso(alert.clearedMs),
    clearedWindow: alert.clearedWindowMs === null ? null : iso(alert.clearedWindowMs),
  }
}

/** An alert with why it was raised; `causes` is null until that was looked for. */
export function explainedAlertToWire(alert: Alert) {
  return { ...alertToWire(alert), causes: causesToWire(alert.causes) }
}

function spanToWire({ fromMs, toMs, predictions }: CauseSpan) {
  return { from: iso(fromMs), to: iso(toMs), predictions }
}

function causesToWire(causes: Causes | undefined) {
  if (causes === undefined) return null
  const { before, since, change, ranked, notes } = causes
  return {
    before: before === null ? null : spanToWire(before),
    since: spanToWire(since),
    change,
    ranked,
    notes,
  }
}

/** What the monitors have found. */
export function monitorRoutes(app: FastifyInstance, monitoring: Monitoring): void {
  app.get<{ Params: { endpoint: string }; Querystring: { limit: number; before?: string } }>(
    '/endpoints/:endpoint/windows',
    {
      schema: {
        summary: 'List the evaluated windows of an endpoint, newest first',
        params: Endpoint,
        querystring: Type.Object({ limit, before: Type.Optional(time) }),
      },
    },
    async ({ params, query }) => {
      const page = await monitoring.windows(params.endpoint, {
        limit: query.limit,
        ...(query.before === undefined ? {} : { beforeMs: Date.parse(query.before) }),
      })
      const last = page.length === query.limit ? page.at(-1) : undefined
      return {
        windows: page.map(windowToWire),
        next: last === undefined ? null : iso(last.startMs),
      }
    },
  )

  app.get<{ Params: { endpoint: string; start: string } }>(
    '/endpoints/:endpoint/windows/:start',
    {
      schema: {
        summary: 'Show one window: every feature with its numbers, and how good the answers were',
        params: Type.Object({ endpoint: Type.String(), start: time }),
      },
    },
    async ({ params }) =>
      windowToWire(await monitoring.window(params.endpoint, Date.parse(params.start))),
  )

  app.get<{
    Querystring: { endpoint?: string; open?: boolean; limit: number; before?: string }
  }>(
    '/alerts',
    {
      schema: {
        summary: 'List alerts, the last raised first',
        querystring: Type.Object({
          endpoint: Type.Optional(Type.String()),
          open: Type.Optional(Type.Boolean()),
          limit,
          before: Type.Optional(Type.String()),
        }),
      },
    },
    async ({ query }) => {
      const page = await monitoring.alerts(query)
      return {
        alerts: page.map(alertToWire),
        next: page.length === query.limit ? (page.at(-1)?.id ?? null) : null,
      }
    },
  )

  app.get<{ Params: { id: string } }>(
    '/alerts/:id',
    {
      schema: {
        summary: 'Show one alert of the monitors, with what probably caused it',
        params: Type.Object({ id: Type.String() }),
      },
    },
    async ({ params }) => explainedAlertToWire(await monitoring.alert(params.id)),
  )

  referenceRoute(app, monitoring)
}

function referenceRoute(app: FastifyInstance, monitoring: Monitoring): void {
  app.get<{ Params: { model: string; version: number } }>(
    '/models/:model/versions/:version/reference',
    {
      schema: {
        summary: 'Show what a model version was trained on, as the monitors compare with it',
        params: Type.Object({ model: Type.String(), version: Type.Integer({ minimum: 1 }) }),
      },
    },
    async ({ params }) => {
      const known = await monitoring.reference(params.model, params.version)
      if (known.state === 'unknown')
        throw new Problem(
          'not-found',
          `there is no reference for ${params.model}:${params.version}: ${known.reason}`,
        )
      const { trainedUntilMs, ...reference } = known.reference
      return {
        ...reference,
        trainedUntil: trainedUntilMs === null ? null : iso(trainedUntilMs),
      }
    },
  )
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
