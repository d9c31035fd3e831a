import type { FastifyInstance } from 'fastify'
import { Problem } from '#base/problem'
import type { Inference, PredictionAnswer, PredictionRequest } from '#inference'
import { predictionsText } from './answer.ts'
import { scoringIn, takeBytes } from './body.ts'
import { contextIn, nameAnswer } from './call.ts'
import { answerFailures, Misfit } from './errors.ts'
import type { Scoring } from './forms.ts'

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
    const { name } = request.params
    const answer = await inference.predict(name, { ...contextIn(request), ...asked })
    const shown = await shownAs(inference, { name, told, answer })
    return nameAnswer(reply, answer).type('application/json').send(predictionsText(answer, shown))
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

/** A model whose signature has columns is answered with rows, one with tensors with arrays, whatever was sent. */
async function shownAs(
  inference: Inference,
  { name, told, answer }: { name: string; told: Scoring['answer']; answer: PredictionAnswer },
): Promise<Scoring['answer']> {
  if (answer.form !== undefined || told === 'bare') return told
  try {
    const pin = { by: 'revision', revision: answer.revision } as const
    const { columns, tensors = null } = await inference.describe(name, pin)
    if (columns !== null) return 'records'
    return tensors === null ? told : 'arrays'
  } catch (error) {
    // What answered a repeated request before may be gone by now.
    if (error instanceof Problem) return told
    throw error
  }
}

/** Throws for a table without rows. */
function checkRows(input: PredictionRequest['input']): void {
  if (input.form !== 'tensors' && input.rows.length === 0) throw new Misfit('the input has no rows')
}
