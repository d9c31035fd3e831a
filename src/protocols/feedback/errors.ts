import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem, type ProblemCode } from '#base/problem'

const STATUS: Readonly<Partial<Record<ProblemCode, number>>> = {
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

/** Says what is wrong as the protocol does whose path was called. */
export function failureOf(
  error: Error & { statusCode?: number },
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, message } = wordsOf(error)
  if (status >= 500 && !(error instanceof Problem))
    request.log.error({ err: error, request: request.id }, 'unexpected failure')
  void reply.code(status)
  if (request.url.startsWith('/v2/')) return reply.send({ error: message })
  if (request.url.startsWith('/endpoints/'))
    return reply
      .type('application/problem+json')
      .send({ type: 'about:blank', title: 'feedback', status, detail: message })
  return reply.send({ status: { code: status, info: message, reason: '', status: 'FAILURE' } })
}

function wordsOf(error: Error & { statusCode?: number }): { status: number; message: string } {
  if (error instanceof Problem) return { status: STATUS[error.code] ?? 500, message: error.message }
  if (error.statusCode !== undefined && error.statusCode < 500)
    return { status: error.statusCode, message: error.message }
  return { status: 500, message: 'this is a fault of the server; its log has the request id' }
}
