import type { FastifyInstance } from 'fastify'
import { Problem, type ProblemCode } from '#base/problem'

const ANSWERS: Readonly<Record<ProblemCode, { code: number; type: string }>> = {
  invalid: { code: 400, type: 'BadRequestException' },
  unauthenticated: { code: 401, type: 'UnauthorizedException' },
  forbidden: { code: 403, type: 'ForbiddenException' },
  'not-found': { code: 404, type: 'ModelNotFoundException' },
  exists: { code: 409, type: 'ConflictStatusException' },
  conflict: { code: 409, type: 'ConflictStatusException' },
  limit: { code: 413, type: 'RequestEntityTooLargeException' },
  quota: { code: 429, type: 'TooManyRequestsException' },
  unsupported: { code: 501, type: 'NotImplementedException' },
  unavailable: { code: 503, type: 'ServiceUnavailableException' },
  timeout: { code: 504, type: 'RequestTimeoutException' },
  full: { code: 507, type: 'InsufficientStorageException' },
}

/** A problem that TorchServe has a name of its own for. */
export function problemOfType(code: ProblemCode, type: string, message: string): Problem {
  return new Problem(code, message, { type })
}

/** Answers failures as `{code, type, message}`. */
export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof Problem) {
      const { code, type } = ANSWERS[error.code]
      if (error.code === 'unavailable' || error.code === 'quota')
        void reply.header('retry-after', '1')
      const named = error.details['type']
      return reply
        .code(code)
        .send({ code, type: typeof named === 'string' ? named : type, message: error.message })
    }
    const { statusCode: code } = error
    if (code !== undefined && code < 500)
      return reply.code(code).send({ code, type: 'BadRequestException', message: error.message })
    request.log.error({ err: error, request: request.id }, 'unexpected failure')
    return reply.code(500).send({
      code: 500,
      type: 'InternalServerException',
      message: `this is a fault of the server; its log has the request ${request.id}`,
    })
  })
}

/** Says which model was not found in the words that clients look for. */
export async function ofModel<T>(
  { name, version }: { name: string; version: number | undefined },
  find: () => Promise<T>,
): Promise<T> {
  try {
    return await find()
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not-found') throw error
    throw version === undefined
      ? problemOfType(
          'not-found',
          'ModelNotFoundException',
          `Model not found: ${name}; ${error.message}`,
        )
      : problemOfType(
          'not-found',
          'ModelVersionNotFoundException',
          `Model version: ${version} does not exist for model name: ${name}; ${error.message}`,
        )
  }
}

/** The version in a path; TorchServe's clients write 3.0 where the third is meant. Throws `not-found`. */
export function versionIn(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const version = /^(\d{1,9})(?:\.0)?$/.exec(text)?.[1]
  if (version !== undefined) return Number(version)
  throw problemOfType(
    'not-found',
    'ModelVersionNotFoundException',
    `Model version: ${text.slice(0, 80)} does not exist for model name: ${name}; versions are whole numbers here`,
  )
}
