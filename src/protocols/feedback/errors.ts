import type { FastifyReply, FastifyRequest } from 'fastify'
import { failureOf } from '#base/failure'

/** Says what is wrong as the protocol does whose path was called. */
export function answerFailure(
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, headers, message, isFault } = failureOf(error, request.id)
  if (isFault) request.log.error({ err: error, request: request.id }, 'unexpected failure')
  void reply.code(status).headers(headers)
  if (request.url.startsWith('/v2/')) return reply.send({ error: message })
  if (request.url.startsWith('/endpoints/'))
    return reply
      .type('application/problem+json')
      .send({ type: 'about:blank', title: 'feedback', status, detail: message })
  return reply.send({ status: { code: status, info: message, reason: '', status: 'FAILURE' } })
}
