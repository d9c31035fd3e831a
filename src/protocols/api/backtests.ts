import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import type { Alert, AlertPair, Backtest, Monitoring } from '#monitoring'
import { monitorIn } from '#projects'
import { alertToWire } from './monitors.ts'
import { sinceIn, SinceText } from './since.ts'

const Body = Type.Object(
  {
    since: Type.Optional(SinceText),
    monitor: Type.Optional(
      Type.Object({}, { description: 'As in orrery.yaml; without it, the rule that runs.' }),
    ),
  },
  { additionalProperties: false },
)

/** Trying what should raise alerts before it does. */
export function backtestRoutes(app: FastifyInstance, monitoring: Monitoring): void {
  app.post<{ Params: { endpoint: string }; Body: Static<typeof Body> }>(
    '/endpoints/:endpoint/backtest',
    {
      schema: {
        summary:
          'Say which alerts a monitor would have raised, beside those that were raised; nothing is changed',
        params: Type.Object({ endpoint: Type.String() }),
        body: Body,
      },
    },
    async ({ params, body: { since = '90d', monitor } }) =>
      backtestToWire(
        await monitoring.backtest(params.endpoint, {
          since: sinceIn(since),
          ...(monitor === undefined ? {} : { monitor: monitorIn(monitor) }),
        }),
      ),
  )
}

/** What a rule would have raised, beside what was raised. */
export type BacktestWire = ReturnType<typeof backtestToWire>

function backtestToWire({ endpoint, fromMs, toMs, windows, alerts, notes }: Backtest) {
  return {
    endpoint,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    windows,
    alerts: alerts.map(pairToWire),
    notes,
  }
}

function pairToWire({ outcome, would, was }: AlertPair) {
  return { outcome, would: wireOf(would), was: wireOf(was) }
}

function wireOf(alert: Alert | null) {
  return alert === null ? null : alertToWire(alert)
}
