import type { FastifyInstance } from 'fastify'
import { failureOf } from '#base/failure'

/** Answers failures with what went wrong; of a bug only the request id is told. */
export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const { status, headers, message, isFault } = failureOf(error, request.id)
    if (isFault) request.log.error({ err: error, request: request.id }, 'unexpected failure')
    return reply.code(status).headers(headers).send({ message })
  })
}
