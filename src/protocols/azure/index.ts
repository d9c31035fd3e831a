import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem, type ProblemCode } from '#base/problem'
import {
  answerHeaders,
  contextIn,
  headerIn,
  meantEndpoint,
  type Inference,
  type PredictionAnswer,
  type PredictionRequest,
} from '#inference'
import { swaggerOf } from './swagger.ts'

/** Asks what a body in one of MLflow's forms or in `input_data` asks; another protocol's part, which is handed in. */
export type AskInForms = (
  inference: Inference,
  endpoint: string,
  asked: {
    contentType: string | undefined
    body: unknown
    context: Omit<PredictionRequest, 'input' | 'params'>
  },
) => Promise<{ answer: PredictionAnswer; bare: string }>

interface Parts {
  readonly inference: Inference
  readonly askInForms: AskInForms
  readonly version: string
  /** Answers requests that name no endpoint, where there are several. */
  readonly defaultEndpoint?: string
}

/** The caller's quota is 429 here as everywhere; a model's own refusals are 400, as `run` would return them. */
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

interface Query {
  Querystring: { endpoint?: string }
}

/** What Azure Machine Learning's inference server answers: `/score`, `/swagger.json`, and that it is healthy. */
export async function azureProtocol(app: FastifyInstance, parts: Parts): Promise<void> {
  const { inference, defaultEndpoint, version } = parts
  answerFailures(app)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer' },
    async (_: FastifyRequest, body: Buffer) => body,
  )
  const meant = (named: string | undefined) =>
    meantEndpoint(inference, { named, fallback: defaultEndpoint })

  if (!app.hasRoute({ method: 'GET', url: '/' }))
    app.get('/', async (_, reply) => {
      const { ready } = inference.readiness()
      return reply
        .code(ready ? 200 : 503)
        .type('text/plain')
        .send(ready ? 'Healthy' : 'Unhealthy')
    })
  app.get<Query>('/swagger.json', async ({ query }) => {
    const endpoint = meant(query.endpoint)
    return swaggerOf(endpoint, version, await inference.describe(endpoint))
  })
  app.post<Query>('/score', async (request, reply) => {
    const { answer, bare } = await parts.askInForms(inference, meant(request.query.endpoint), {
      // Azure's own clients send JSON, and not always say so.
      contentType: request.headers['content-type'] ?? 'application/json',
      body: request.body,
      context: contextIn(request.headers, {
        id: headerIn(request.headers, 'x-ms-client-request-id'),
      }),
    })
    return reply
      .headers({ ...answerHeaders(answer), 'x-ms-request-id': answer.batch })
      .type('application/json')
      .send(bare)
  })
}

function answerFailures(app: FastifyInstance): void {
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
