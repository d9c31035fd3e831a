import type { FastifyInstance } from 'fastify'
import { failureOf } from '#base/failure'

/** Answers failures as `{"error": "…"}`; clients look for that key on every status but 200. */
export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const { status, headers, message, isFault } = failureOf(error, request.id)
    if (isFault) request.log.error({ err: error, request: request.id }, 'unexpected failure')
    return reply.code(status).headers(headers).send({ error: message })
  })
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ error: `there is no ${request.method} ${request.url.split('?', 1)[0]} here` }),
  )
}
