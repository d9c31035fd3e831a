import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem, type ProblemCode } from '#base/problem'

/** How each kind of failure is told to MLflow's clients, which take 429 and 5xx as "try again". */
const ANSWERS: Readonly<Record<ProblemCode, { status: number; code: string }>> = {
  invalid: { status: 400, code: 'INVALID_PARAMETER_VALUE' },
  conflict: { status: 400, code: 'INVALID_PARAMETER_VALUE' },
  limit: { status: 400, code: 'INVALID_PARAMETER_VALUE' },
  exists: { status: 400, code: 'RESOURCE_ALREADY_EXISTS' },
  unauthenticated: { status: 401, code: 'UNAUTHENTICATED' },
  forbidden: { status: 403, code: 'PERMISSION_DENIED' },
  'not-found': { status: 404, code: 'RESOURCE_DOES_NOT_EXIST' },
  unsupported: { status: 501, code: 'NOT_IMPLEMENTED' },
  unavailable: { status: 503, code: 'TEMPORARILY_UNAVAILABLE' },
  timeout: { status: 504, code: 'DEADLINE_EXCEEDED' },
  quota: { status: 429, code: 'RESOURCE_EXHAUSTED' },
  // Not among the statuses on which clients try again for minutes.
  full: { status: 507, code: 'RESOURCE_EXHAUSTED' },
}

/** Answers every failure in MLflow's shape; of a bug only the request id is told. */
export function answerError(
  error: Error & { statusCode?: number },
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof Problem) {
    const { status, code } = ANSWERS[error.code]
    return reply.code(status).send({ error_code: code, message: error.message })
  }
  if (error.statusCode === 415)
    return reply.code(400).send({
      error_code: 'INVALID_PARAMETER_VALUE',
      message: `bodies of the content type ${JSON.stringify(request.headers['content-type'] ?? '')} are not read here; send application/json`,
    })
  if (error.statusCode !== undefined && error.statusCode < 500)
    return reply.code(400).send({ error_code: 'INVALID_PARAMETER_VALUE', message: error.message })
  request.log.error({ err: error, request: request.id }, 'unexpected failure')
  return reply.code(500).send({
    error_code: 'INTERNAL_ERROR',
    message: `this is a fault of the server; its log has the request ${request.id}`,
  })
}

/** The methods of the protocol's requests. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

export function answerUnknownEndpoint(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? ''
  const allowed = METHODS.filter((method) => request.server.hasRoute({ method, url: path }))
  if (allowed.length > 0)
    return reply
      .code(405)
      .header('allow', allowed.join(', '))
      .send({
        error_code: 'ENDPOINT_NOT_FOUND',
        message: `${path} does not take ${request.method}; use ${allowed.join(' or ')}`,
      })
  return reply.code(404).send({
    error_code: 'ENDPOINT_NOT_FOUND',
    message: `there is no ${request.method} ${path} here`,
  })
}
