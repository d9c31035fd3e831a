import type { FastifyInstance } from 'fastify'
import { Problem, type ProblemCode } from '#base/problem'

/** The statuses that TensorFlow Serving gives its own codes. */
const STATUS: Readonly<Record<ProblemCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  exists: 409,
  conflict: 400,
  limit: 413,
  unsupported: 501,
  unavailable: 503,
  timeout: 504,
  quota: 429,
  full: 507,
}

/** Answers failures as `{"error": "…"}`, as TensorFlow Serving and KServe both do. */
export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof Problem) {
      if (error.code === 'unavailable' || error.code === 'quota')
        void reply.header('retry-after', '1')
      return reply.code(STATUS[error.code]).send({ error: error.message })
    }
    if (error.statusCode !== undefined && error.statusCode < 500)
      return reply.code(error.statusCode).send({ error: error.message })
    request.log.error({ err: error, request: request.id }, 'unexpected failure')
    return reply
      .code(500)
      .send({ error: `this is a fault of the server; its log has the request ${request.id}` })
  })
  app.setNotFoundHandler((request) => {
    throw malformed(request)
  })
}

/** A path that is none of the protocol's. */
export function malformed({ method, url }: { method: string; url: string }): Problem {
  return new Problem(
    'invalid',
    `Malformed request: ${method} ${url.split('?', 1)[0]}; there are GET /v1/models[/MODEL[/versions/N|/labels/L][/metadata]] and POST /v1/models/MODEL[/versions/N|/labels/L]:(predict|classify|regress|explain)`,
  )
}

/** Says which model was not found in the words that clients look for. */
export async function servable<T>({ model, pin }: Asked, find: () => Promise<T>): Promise<T> {
  try {
    return await find()
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not-found') throw error
    const request =
      pin?.by === 'version'
        ? `Specific(${model}, ${pin.version})`
        : pin?.by === 'label'
          ? `Labeled(${model}, ${pin.label})`
          : `Latest(${model})`
    throw new Problem('not-found', `Servable not found for request: ${request}; ${error.message}`)
  }
}

/** The model that a path names, and which of its versions. */
export interface Asked {
  readonly model: string
  readonly pin?: { by: 'version'; version: number } | { by: 'label'; label: string }
}
