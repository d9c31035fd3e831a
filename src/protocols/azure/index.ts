import type { FastifyInstance, FastifyRequest } from 'fastify'
import { inflated } from '#base/inflate'
import { failureOf } from '#base/failure'
import {
  answerHeaders,
  contextIn,
  headerIn,
  headerText,
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
    async ({ headers }: FastifyRequest, body: Buffer) =>
      inflated(
        body,
        headers['content-encoding'],
        app.initialConfig.bodyLimit ?? body.length,
        'invalid',
      ),
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
      .headers({ ...answerHeaders(answer), 'x-ms-request-id': headerText(answer.batch) })
      .type('application/json')
      .send(bare)
  })
}

function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const { status, headers, message, isFault } = failureOf(error, request.id)
    if (isFault) request.log.error({ err: error, request: request.id }, 'unexpected failure')
    return reply.code(status).headers(headers).send({ message })
  })
}
