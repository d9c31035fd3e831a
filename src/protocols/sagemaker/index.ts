import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inflated } from '#base/inflate'
import {
  headerIn,
  meantEndpoint,
  type Inference,
  type PredictionAnswer,
  type PredictionRequest,
  type Repository,
} from '#inference'
import { nameAnswer, sessionContextIn } from './call.ts'
import { answerFailures } from './errors.ts'
import { modelRoutes } from './models.ts'
import { csvInput, csvText, linesAsInstances, linesText } from './rows.ts'

/**
 * Asks what a body in one of MLflow's forms asks, or what was read of another body, and tells the answer in JSON as
 * MLflow does; another protocol's part, which is handed in.
 */
export type AskInForms = (
  inference: Inference,
  endpoint: string,
  asked: { context: Omit<PredictionRequest, 'input' | 'params'> } & (
    | { contentType: string | undefined; body: unknown }
    | { input: PredictionRequest['input'] }
  ),
) => Promise<{ answer: PredictionAnswer; text: string }>

interface Parts {
  readonly inference: Inference
  readonly askInForms: AskInForms
  readonly repository?: Repository
  /** Answers requests that name no endpoint, where there are several. */
  readonly defaultEndpoint?: string
  /** Whether /models at the root is SageMaker's; else only `/models/NAME/invoke` is. */
  readonly multiModel?: boolean
}

/** What SageMaker asks of a container, at the root. */
export async function sagemakerProtocol(app: FastifyInstance, parts: Parts): Promise<void> {
  const { inference, repository } = parts
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

  app.get('/ping', async (_, reply) => {
    const { ready } = inference.readiness()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'Healthy' : 'Unhealthy' })
  })
  app.post<{ Querystring: { endpoint?: string } }>('/invocations', async (request, reply) => {
    const named =
      request.query.endpoint ?? headerIn(request.headers, 'x-amzn-sagemaker-target-model')
    const endpoint = meantEndpoint(inference, { named, fallback: parts.defaultEndpoint })
    return invoked(parts, endpoint, { request, reply })
  })
  app.post<{ Params: { model: string } }>('/models/:model/invoke', async (request, reply) =>
    invoked(parts, request.params.model, { request, reply }),
  )
  if (parts.multiModel === true) modelRoutes(app, { inference, repository })
}

async function invoked(
  parts: Parts,
  endpoint: string,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply> {
  const { answer, text } = await answered(parts, endpoint, request)
  const accept = headerIn(request.headers, 'accept') ?? ''
  nameAnswer(reply, request.headers, answer)
  if (/^text\/csv\b/i.test(accept)) return reply.type('text/csv').send(csvText(answer))
  if (/^application\/(?:x-)?jsonlines\b/i.test(accept))
    return reply.type('application/jsonlines').send(linesText(answer))
  return reply.type('application/json').send(text)
}

async function answered(
  { inference, askInForms }: Parts,
  endpoint: string,
  { headers, body }: FastifyRequest,
): Promise<{ answer: PredictionAnswer; text: string }> {
  const context = sessionContextIn(headers)
  const contentType = headers['content-type']
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  if (/^application\/(?:x-)?jsonlines\b/i.test(contentType ?? ''))
    return askInForms(inference, endpoint, {
      contentType: 'application/json',
      body: linesAsInstances(bytes),
      context,
    })
  if (!/^text\/csv\b/i.test(contentType ?? ''))
    return askInForms(inference, endpoint, { contentType, body, context })
  const [, header] = /;\s*header=(present|absent)/i.exec(contentType ?? '') ?? []
  const described = await inference.describe(endpoint)
  const input = csvInput(
    bytes,
    described,
    header?.toLowerCase() as 'present' | 'absent' | undefined,
  )
  return askInForms(inference, endpoint, { input, context })
}
