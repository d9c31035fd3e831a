import type { FastifyInstance } from 'fastify'
import { Problem, type ProblemCode } from '#base/problem'

/** SageMaker hands status and body through as they are; 507 is its word for a model that finds no memory. */
const STATUS: Readonly<Record<ProblemCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  exists: 409,
  conflict: 409,
  limit: 413,
  quota: 429,
  unsupported: 501,
  unavailable: 503,
  timeout: 504,
  full: 507,
}

/** Answers failures with what went wrong; of a bug only the request id is told. */
export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof Problem) {
      if (error.code === 'unavailable' || error.code === 'quota')
        void reply.header('retry-after', '1')
      return reply.code(STATUS[error.code]).send({ message: error.message })
    }
    if (error.statusCode !== undefined && error.statusCode < 500)
      return reply.code(error.statusCode).send({ message: error.message })
    request.log.error({ err: error, request: request.id }, 'unexpected failure')
    return reply
      .code(500)
      .send({ message: `this is a fault of the server; its log has the request ${request.id}` })
  })
}
