import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { Problem } from '#base/problem'
import type { Clock } from '#base/clock'
import type { Serving } from '#serving'
import type { Usage, UsageHour } from '#usage'

const DAY_MS = 86_400_000
/** Hours that one answer holds at most; each has a few revisions. */
const SPAN_MS_MAX = 31 * DAY_MS
const time = Type.String({ format: 'date-time' })

/** What endpoints answered by the hour, and what that took. */
export function usageRoutes(
  app: FastifyInstance,
  { usage, serving, clock }: { usage: Usage; serving: Pick<Serving, 'endpoints'>; clock: Clock },
): void {
  app.get<{ Params: { endpoint: string }; Querystring: { from?: string; to?: string } }>(
    '/endpoints/:endpoint/usage',
    {
      schema: {
        summary:
          'Show what an endpoint answered in each hour of the clock by revision, what failed, and what it took; of the last day without a span',
        params: Type.Object({ endpoint: Type.String() }),
        querystring: Type.Object({ from: Type.Optional(time), to: Type.Optional(time) }),
      },
    },
    async ({ params, query }) => {
      const { name } = await serving.endpoints.get(params.endpoint)
      const toMs = query.to === undefined ? clock.nowMs() : Date.parse(query.to)
      const fromMs = query.from === undefined ? toMs - DAY_MS : Date.parse(query.from)
      if (fromMs >= toMs) throw new Problem('invalid', 'from has to be a time before to')
      // Goes on with `from` = next.
      const endMs = Math.min(toMs, fromMs + SPAN_MS_MAX)
      const hours = await usage.hours(name, { fromMs, toMs: endMs })
      const next = endMs < toMs ? new Date(endMs).toISOString() : null
      return { endpoint: name, hours: hours.map(hourToWire), next }
    },
  )
}

export type UsageHourWire = ReturnType<typeof hourToWire>

function hourToWire({ startMs, ...hour }: UsageHour) {
  return { start: new Date(startMs).toISOString(), ...hour }
}
