import type { FastifyInstance } from 'fastify'
import type { Family } from '#protocols/prometheus/index'

/** Counts all answers over HTTP by their status, also those to requests that no model has seen. */
export function countResponses(http: FastifyInstance): {
  family(): Family
  /** Counts one that was given otherwise. */
  count(status: number): void
} {
  const counts = new Map<number, number>()
  const count = (status: number): void => void counts.set(status, (counts.get(status) ?? 0) + 1)
  http.addHook('onResponse', (_, { statusCode }, done) => {
    count(statusCode)
    done()
  })
  const family = (): Family => ({
    name: 'orrery_http_responses',
    help: 'Answers over HTTP at the serving port, by their status.',
    type: 'counter',
    samples: [...counts].map(([code, value]) => ({ labels: { code }, value })),
  })
  return { family, count }
}
