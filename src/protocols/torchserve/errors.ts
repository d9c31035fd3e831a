import type { FastifyInstance } from 'fastify'
import { failureOf } from '#base/failure'
import { Problem, type ProblemCode } from '#base/problem'

const TYPES: Readonly<Record<ProblemCode, string>> = {
  invalid: 'BadRequestException',
  unauthenticated: 'UnauthorizedException',
  forbidden: 'ForbiddenException',
  'not-found': 'ModelNotFoundException',
  exists: 'ConflictStatusException',
  conflict: 'ConflictStatusException',
  limit: 'RequestEntityTooLargeException',
  quota: 'TooManyRequestsException',
  unsupported: 'NotImplementedException',
  unavailable: 'ServiceUnavailableException',
  timeout: 'RequestTimeoutException',
  full: 'InsufficientStorageException',
}

/** A problem that TorchServe has a name of its own for. */
export function problemOfType(code: ProblemCode, type: string, message: string): Problem {
  return new Problem(code, message, { type })
}

/** Answers failures as `{code, type, message}`. */
export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const { status: code, headers, message, problem, isFault } = failureOf(error, request.id)
    if (isFault) request.log.error({ err: error, request: request.id }, 'unexpected failure')
    const type = isFault ? 'InternalServerException' : typeOf(problem)
    return reply.code(code).headers(headers).send({ code, type, message })
  })
}

function typeOf(problem: Problem | undefined): string {
  if (problem === undefined) return 'BadRequestException'
  const named = problem.details['type']
  return typeof named === 'string' ? named : TYPES[problem.code]
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
