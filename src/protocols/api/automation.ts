import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { PolicyRun, PolicyRunReads } from '#automation'

export function policyRunToWire({ eventMs, startedMs, endedMs, ...run }: PolicyRun) {
  return {
    ...run,
    event: new Date(eventMs).toISOString(),
    started: new Date(startedMs).toISOString(),
    ended: endedMs === null ? null : new Date(endedMs).toISOString(),
  }
}

export function policyRoutes(app: FastifyInstance, runs: PolicyRunReads): void {
  app.get<{ Querystring: { limit: number; before?: string } }>(
    '/policy-runs',
    {
      schema: {
        summary: 'List what the policies did, newest first',
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
          before: Type.Optional(Type.String()),
        }),
      },
    },
    async ({ query }) => {
      const page = await runs.list(query)
      return {
        policyRuns: page.map(policyRunToWire),
        next: page.length === query.limit ? (page.at(-1)?.id ?? null) : null,
      }
    },
  )
}
