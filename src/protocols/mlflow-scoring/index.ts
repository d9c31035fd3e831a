import type { FastifyInstance } from 'fastify'
import type { Inference, PredictionRequest } from '#inference'
import { predictionsText } from './answer.ts'
import { scoringIn, takeBytes } from './body.ts'
import { contextIn, nameAnswer } from './call.ts'
import { answerFailures, BadRequest } from './errors.ts'

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
    const { answer: told, ...asked } = await scoringIn(
      request.headers['content-type'],
      request.body,
    )
    checkRows(asked.input)
    const answer = await inference.predict(request.params.name, { ...contextIn(request), ...asked })
    return nameAnswer(reply, answer).type('application/json').send(predictionsText(answer, told))
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

/** Throws `BadRequest` for a table without rows. */
function checkRows(input: PredictionRequest['input']): void {
  if (input.form !== 'tensors' && input.rows.length === 0)
    throw new BadRequest('the input has no rows')
}
