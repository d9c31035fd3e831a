import type { FastifyInstance } from 'fastify'
import { failureOf, HTTP_STATUS } from '#base/failure'
import { Problem } from '#base/problem'

/** TensorFlow Serving has no status of its own for what does not fit the present state. */
const STATUS = { ...HTTP_STATUS, conflict: 400 }

/** Answers failures as `{"error": "…"}`, as TensorFlow Serving and KServe both do. */
export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const { status, headers, message, isFault } = failureOf(error, request.id, STATUS)
    if (isFault) request.log.error({ err: error, request: request.id }, 'unexpected failure')
    return reply.code(status).headers(headers).send({ error: message })
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
