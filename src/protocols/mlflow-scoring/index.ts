import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Inference } from '#inference'
import { answerFailures, BadRequest } from './errors.ts'
import { predictionsText, scoringIn } from './translate.ts'

/** The version of MLflow whose scoring protocol this speaks. */
const MLFLOW_VERSION = '3.17.2'

/** MLflow's scoring protocol, for each endpoint under `/endpoints/NAME`. */
export async function mlflowScoringProtocol(
  app: FastifyInstance,
  { inference }: { inference: Inference },
): Promise<void> {
  answerFailures(app)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer' },
    async (_: FastifyRequest, body: Buffer) => body,
  )

  app.post<{ Params: { name: string } }>('/:name/invocations', async (request, reply) => {
    const { name } = request.params
    const text = textOf(request.body)
    const { input, answer } = scoringIn(request.headers['content-type'], text)
    if (input.form !== 'tensors' && input.rows.length === 0)
      throw new BadRequest('the input has no rows')
    const id = request.headers['x-request-id']
    const predicted = await inference.predict(name, {
      input,
      ...(typeof id === 'string' ? { id } : {}),
    })
    return reply
      .headers({
        'x-request-id': predicted.batch,
        'x-prediction-id': predicted.batch,
        'x-model-version': predicted.modelVersion,
        'x-revision': String(predicted.revision),
      })
      .type('application/json')
      .send(predictionsText(predicted.outputs, predicted.rows, answer))
  })

  for (const path of ['/:name/ping', '/:name/health'])
    app.get<{ Params: { name: string } }>(path, async (request, reply) => {
      await inference.describe(request.params.name)
      return reply.type('application/json').send('\n')
    })
  app.get<{ Params: { name: string } }>('/:name/version', async (request, reply) => {
    await inference.describe(request.params.name)
    return reply.type('application/json').send(MLFLOW_VERSION)
  })
}

function textOf(body: unknown): string {
  return Buffer.isBuffer(body) ? body.toString('utf8') : ''
}
