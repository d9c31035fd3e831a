import type { FastifyInstance } from 'fastify'
import type { Replicas } from '#replicas'

export function replicaRoutes(app: FastifyInstance, replicas: Replicas): void {
  app.get(
    '/replicas',
    { schema: { summary: 'The servers that share the database, and which of them leads' } },
    async () => ({
      self: replicas.id,
      replicas: (await replicas.list()).map(({ id, url, version, startedMs, leads, isThere }) => ({
        id,
        url,
        version,
        started: new Date(startedMs).toISOString(),
        leads,
        there: isThere,
      })),
    }),
  )
}
