import type { FastifyInstance } from 'fastify'
import { Problem, type ProblemCode } from '#base/problem'

const ANSWERS: Readonly<Record<ProblemCode, { status: number; code: string }>> = {
  invalid: { status: 400, code: 'INVALID_PARAMETER_VALUE' },
  unauthenticated: { status: 401, code: 'UNAUTHENTICATED' },
  forbidden: { status: 403, code: 'PERMISSION_DENIED' },
  'not-found': { status: 404, code: 'RESOURCE_DOES_NOT_EXIST' },
  exists: { status: 409, code: 'RESOURCE_ALREADY_EXISTS' },
  conflict: { status: 409, code: 'RESOURCE_CONFLICT' },
  limit: { status: 413, code: 'REQUEST_LIMIT_EXCEEDED' },
  unsupported: { status: 501, code: 'NOT_IMPLEMENTED' },
  unavailable: { status: 503, code: 'TEMPORARILY_UNAVAILABLE' },
  timeout: { status: 504, code: 'DEADLINE_EXCEEDED' },
  quota: { status: 429, code: 'RESOURCE_EXHAUSTED' },
  full: { status: 507, code: 'RESOURCE_EXHAUSTED' },
}

/** The request cannot be read at all; MLflow tells that from input that is none of the model's form. */
export class BadRequest extends Problem {
  constructor(message: string) {
    super('invalid', `Invalid input. ${message}`)
  }
}

/** The request can be read, but is no table or block of values that a model could take. */
export class Misfit extends Problem {
  constructor(message: string) {
    super('invalid', message, { signature: 'form' })
  }
}

/** The body is of a kind that is not read here. */
export class UnsupportedType extends Error {
  readonly statusCode = 415
}

/** MLflow has one code for input that is none of the model's form, and another for values that are not. */
function refusal({ message, details }: Problem): { error_code: string; message: string } {
  if (details['signature'] === 'form')
    return {
      error_code: 'INVALID_PARAMETER_VALUE',
      message: `Failed to enforce schema of data. Error: ${message}`,
    }
  return {
    error_code: 'BAD_REQUEST',
    message:
      details['signature'] === 'value'
        ? `Invalid input. Data is not compatible with model signature. Error: ${message}`
        : message,
  }
}

/** Answers failures as MLflow's scoring server does; of a bug only the request id is told. */
export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof UnsupportedType)
      return reply.code(415).type('text/plain').send(error.message)
    if (error instanceof Problem && error.code === 'invalid')
      return reply.code(400).send(refusal(error))
    if (error instanceof Problem) {
      const { status, code } = ANSWERS[error.code]
      if (error.code === 'unavailable' || error.code === 'quota')
        void reply.header('retry-after', '1')
      return reply.code(status).send({ error_code: code, message: error.message })
    }
    if (error.statusCode !== undefined && error.statusCode < 500)
      return reply
        .code(error.statusCode)
        .send({ error_code: 'BAD_REQUEST', message: error.message })
    request.log.error({ err: error, request: request.id }, 'unexpected failure')
    return reply.code(500).send({
      error_code: 'INTERNAL_ERROR',
      message: `this is a fault of the server; its log has the request ${request.id}`,
    })
  })
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error_code: 'ENDPOINT_NOT_FOUND',
      message: `there is no ${request.method} ${request.url.split('?', 1)[0]} here`,
    }),
  )
}
