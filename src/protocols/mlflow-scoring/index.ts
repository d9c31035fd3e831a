import type { FastifyInstance } from 'fastify'
import type { DirectRoute } from '#base/direct'
import { answerHeaders, contextIn, type Inference } from '#inference'
import { askInMlflowForms } from './ask.ts'
import { takeBytes } from './body.ts'
import { answerFailures } from './errors.ts'

export { askInMlflowForms, type AskedBody } from './ask.ts'

/** The version of MLflow whose scoring protocol this speaks. */
const MLFLOW_VERSION = '3.17.2'

interface EndpointPath {
  Params: { name: string }
}

/** MLflow's scoring protocol, for each endpoint under `/endpoints/NAME`. */
export async function mlflowScoringProtocol(
  app: FastifyInstance,
  { inference }: { inference: Inference },
): Promise<void> {
  answerFailures(app)
  takeBytes(app)

  app.post<EndpointPath>('/:name/invocations', async (request, reply) => {
    const { answer, text } = await askInMlflowForms(inference, request.params.name, {
      contentType: request.headers['content-type'],
      body: request.body,
      context: contextIn(request.headers),
    })
    return reply.headers(answerHeaders(answer)).type('application/json').send(text)
  })

  for (const path of ['/:name/ping', '/:name/health'])
    app.get<EndpointPath>(path, async (request, reply) => {
      await inference.describe(request.params.name)
      return reply.type('application/json').send('\n')
    })
  app.get<EndpointPath>('/:name/version', async (request, reply) => {
    await inference.describe(request.params.name)
    return reply.type('application/json').send(MLFLOW_VERSION)
  })
}

/** What `mlflow models serve` answers at its root beside predictions and `/ping`, which are SageMaker's as well. */
export async function mlflowRootProtocol(
  app: FastifyInstance,
  { inference }: { inference: Pick<Inference, 'readiness'> },
): Promise<void> {
  app.get('/health', async (_, reply) =>
    reply
      .code(inference.readiness().ready ? 200 : 503)
      .type('application/json')
      .send('\n'),
  )
  app.get('/version', async (_, reply) => reply.type('application/json').send(MLFLOW_VERSION))
}

const INVOCATIONS = /^\/endpoints\/([\w.-]+)\/invocations$/
const JSON_ALONE = { 'content-type': 'application/json' }

/** Invocations without the framework. */
export function directInvocations(inference: Inference): DirectRoute {
  return (path, headers) => {
    const [, name] = INVOCATIONS.exec(path) ?? []
    if (name === undefined) return undefined
    return async ({ body, onAnswer }) => {
      const contentType = headers['content-type']
      const asked = { contentType, body, context: contextIn(headers) }
      const { answer, text } = await askInMlflowForms(inference, name, asked)
      onAnswer(answerHeaders(answer))
      return { headers: JSON_ALONE, body: text }
    }
  }
}
