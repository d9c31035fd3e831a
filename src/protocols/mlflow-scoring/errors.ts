import type { FastifyInstance } from 'fastify'
import { failureOf } from '#base/failure'
import { Problem, type ProblemCode } from '#base/problem'

const CODES: Readonly<Record<ProblemCode, string>> = {
  invalid: 'INVALID_PARAMETER_VALUE',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  'not-found': 'RESOURCE_DOES_NOT_EXIST',
  exists: 'RESOURCE_ALREADY_EXISTS',
  conflict: 'RESOURCE_CONFLICT',
  limit: 'REQUEST_LIMIT_EXCEEDED',
  unsupported: 'NOT_IMPLEMENTED',
  unavailable: 'TEMPORARILY_UNAVAILABLE',
  timeout: 'DEADLINE_EXCEEDED',
  quota: 'RESOURCE_EXHAUSTED',
  full: 'RESOURCE_EXHAUSTED',
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
  app.setErrorHandler((error: Error, request, reply) => {
    if (error instanceof UnsupportedType)
      return reply.code(415).type('text/plain').send(error.message)
    const { status, headers, message, problem, isFault } = failureOf(error, request.id)
    if (isFault) request.log.error({ err: error, request: request.id }, 'unexpected failure')
    if (problem?.code === 'invalid') return reply.code(status).send(refusal(problem))
    const code = isFault
      ? 'INTERNAL_ERROR'
      : problem === undefined
        ? 'BAD_REQUEST'
        : CODES[problem.code]
    return reply.code(status).headers(headers).send({ error_code: code, message })
  })
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error_code: 'ENDPOINT_NOT_FOUND',
      message: `there is no ${request.method} ${request.url.split('?', 1)[0]} here`,
    }),
  )
}
