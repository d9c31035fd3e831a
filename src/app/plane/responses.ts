import type { FastifyInstance } from 'fastify'
import type { Family } from '#protocols/prometheus/index'

/** Counts all answers over HTTP by their status, also those to requests that no model has seen. */
export function countResponses(http: FastifyInstance): () => Family {
  const counts = new Map<number, number>()
  http.addHook('onResponse', (_, { statusCode }, done) => {
    counts.set(statusCode, (counts.get(statusCode) ?? 0) + 1)
    done()
  })
  return () => ({
    name: 'orrery_http_responses',
    help: 'Answers over HTTP at the serving port, by their status.',
    type: 'counter',
    samples: [...counts].map(([code, value]) => ({ labels: { code }, value })),
  })
}
