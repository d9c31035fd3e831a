import type { FastifyInstance } from 'fastify'
import { Problem, type ProblemCode } from '#base/problem'

const STATUS: Readonly<Record<ProblemCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  exists: 409,
  conflict: 409,
  limit: 413,
  unsupported: 501,
  unavailable: 503,
  timeout: 504,
  quota: 429,
  full: 507,
}

/** Answers failures as `{"error": "…"}`; clients look for that key on every status but 200. */
export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof Problem) {
      if (error.code === 'unavailable' || error.code === 'quota')
        void reply.header('retry-after', '1')
      return reply.code(STATUS[error.code]).send({ error: error.message })
    }
    if (error.statusCode !== undefined && error.statusCode < 500)
      return reply.code(error.statusCode).send({ error: error.message })
    request.log.error({ err: error, request: request.id }, 'unexpected failure')
    return reply
      .code(500)
      .send({ error: `this is a fault of the server; its log has the request ${request.id}` })
  })
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ error: `there is no ${request.method} ${request.url.split('?', 1)[0]} here` }),
  )
}
