import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import type { Report, Since } from '#monitoring'
import { reportPage } from './report/html.ts'
import { reportToWire } from './report/shown.ts'
import { sinceIn, SinceText } from './since.ts'

/** What tells of an endpoint's past. */
export interface ReportParts {
  report(this: void, endpoint: string, since: Since): Promise<Report>
  nowMs(this: void): number
}

const Query = Type.Object({
  since: Type.Optional(SinceText),
  format: Type.Union([Type.Literal('json'), Type.Literal('html')], { default: 'json' }),
})

/** It shows itself and nothing else, whatever names of columns say. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"

export function reportRoutes(app: FastifyInstance, { report, nowMs }: ReportParts): void {
  app.get<{ Params: { endpoint: string }; Querystring: Static<typeof Query> }>(
    '/endpoints/:endpoint/report',
    {
      schema: {
        summary:
          'Tell what was found of an endpoint, how sure that is, why it is so and what was done, as JSON or as one HTML file',
        params: Type.Object({ endpoint: Type.String() }),
        querystring: Query,
      },
    },
    async ({ params, query: { since = '30d', format } }, reply) => {
      const shown = reportToWire(await report(params.endpoint, sinceIn(since)), nowMs())
      if (format === 'json') return shown
      return reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', POLICY)
        .header('x-content-type-options', 'nosniff')
        .send(reportPage(shown))
    },
  )
}
