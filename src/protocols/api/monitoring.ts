import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import type { ComparedColumn, Monitoring } from '#monitoring'
import { heatOf, summaryOf } from './monitoring-summary.ts'
import type { ComparisonWire, MonitoringWire } from './monitoring-wire.ts'

const time = Type.String({ format: 'date-time' })
const Query = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 60 }),
  before: Type.Optional(time),
  columns: Type.Integer({
    minimum: 1,
    maximum: 2000,
    default: 30,
    description: 'Columns of the heat map, those that moved most.',
  }),
})
const ComparisonQuery = Type.Object({
  feature: Type.Optional(
    Type.String({ description: 'A column that was asked for; without it, what was answered.' }),
  ),
})

/** What the monitors found of an endpoint, drawn together for a page. */
export function monitoringRoutes(app: FastifyInstance, monitoring: Monitoring): void {
  app.get<{ Params: { endpoint: string }; Querystring: Static<typeof Query> }>(
    '/endpoints/:endpoint/monitoring',
    {
      schema: {
        summary: 'Show the last windows of an endpoint in short, and which columns moved in them',
        params: Type.Object({ endpoint: Type.String() }),
        querystring: Query,
      },
    },
    async ({
      params: { endpoint },
      query: { limit, before, columns },
    }): Promise<MonitoringWire> => {
      const monitor = await monitoring.monitor(endpoint)
      const page = await monitoring.windows(endpoint, {
        limit,
        ...(before === undefined ? {} : { beforeMs: Date.parse(before) }),
      })
      const windows = page.toReversed()
      const { metric, min = null, max = null } = monitor.performance ?? {}
      return {
        endpoint,
        windows: windows.map(summaryOf),
        next: page.length === limit ? iso(windows[0]?.startMs ?? 0) : null,
        ...heatOf(windows, columns),
        limits: {
          driftShare: monitor.drift.alert_share,
          performance: metric === undefined ? null : { metric, min, max },
        },
      }
    },
  )

  app.get<{ Params: { endpoint: string; start: string }; Querystring: { feature?: string } }>(
    '/endpoints/:endpoint/windows/:start/comparison',
    {
      schema: {
        summary: 'Show how the values of one column lie in a window and in its reference',
        params: Type.Object({ endpoint: Type.String(), start: time }),
        querystring: ComparisonQuery,
      },
    },
    async ({ params: { endpoint, start }, query: { feature = null } }) =>
      comparisonToWire(await monitoring.compared(endpoint, Date.parse(start), feature)),
  )
}

function comparisonToWire({ reference, ...found }: ComparedColumn): ComparisonWire {
  const { span, ...kept } = reference
  return {
    ...found,
    reference: {
      ...kept,
      from: span === null ? null : iso(span.fromMs),
      to: span === null ? null : iso(span.toMs),
    },
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
