import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inflated } from '#base/inflate'
import type { Clock } from '#base/clock'
import { parseExactJson, type ExactJson } from '#base/exact-json'
import { textOf } from '#base/json'
import { messageOf, Problem } from '#base/problem'
import {
  headerIn,
  routeIn,
  type Feedback,
  type FeedbackJournal,
  type Inference,
  type Journal,
} from '#inference'
import { answerFailure } from './errors.ts'
import { feedbackIn } from './own.ts'
import { seldonFeedbackIn } from './seldon.ts'

interface Parts {
  readonly inference: Pick<Inference, 'standings' | 'describe'>
  readonly journal: FeedbackJournal & Pick<Journal, 'findBatch'>
  readonly clock: Clock
}

/**
 * Feedback on predictions, in our own words at each place where predictions are asked for, and in Seldon's. It is
 * kept when it is answered for, and made sense of later: it may be early, late, or of what is never known.
 */
export async function feedbackProtocol(app: FastifyInstance, parts: Parts): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer' },
    async ({ headers }: FastifyRequest, body: Buffer) => {
      const bytesMax = app.initialConfig.bodyLimit ?? body.length
      const plain = await inflated(body, headers['content-encoding'], bytesMax, 'invalid')
      return bodyIn(textOf(plain))
    },
  )
  app.setErrorHandler(answerFailure)
  const keep = keeper(parts)

  const ours = async (endpoint: string, { body, headers }: FastifyRequest, reply: FastifyReply) => {
    const feedback = feedbackIn(body as ExactJson, routeOf(headers))
    await keep(endpoint, feedback)
    return reply.code(202).send({ accepted: feedback.length })
  }
  app.post<{ Params: { endpoint: string } }>('/endpoints/:endpoint/feedback', (request, reply) =>
    ours(request.params.endpoint, request, reply),
  )
  app.post<{ Params: { model: string } }>('/v2/models/:model/feedback', (request, reply) =>
    ours(request.params.model, request, reply),
  )
  app.post<{ Params: { name: string } }>(
    '/seldon/:namespace/:name/api/v1.0/feedback',
    async ({ params, body }) => {
      const { puid, feedback } = seldonFeedbackIn(body as ExactJson, params.name)
      await keep(params.name, feedback)
      return { meta: { puid } }
    },
  )
  app.post('/api/v1.0/feedback', async ({ body, headers }) => {
    const named = headers['seldon-model']
    const { puid } = seldonFeedbackIn(body as ExactJson, '')
    const endpoint = typeof named === 'string' ? named : await endpointOf(parts, puid)
    await keep(endpoint, seldonFeedbackIn(body as ExactJson, endpoint).feedback)
    return { meta: { puid } }
  })
}

function keeper({ inference, journal, clock }: Parts) {
  return async (endpoint: string, feedback: readonly Feedback[]): Promise<void> => {
    if (!inference.standings().some((each) => each.endpoint === endpoint))
      // It says that there is none, or waits while they are still being told.
      await inference.describe(endpoint)
    if (feedback.length > 0) await journal.feedback(endpoint, feedback, clock.nowMs())
  }
}

/** The only endpoint that there is, or the one that gave the prediction. */
async function endpointOf({ inference, journal }: Parts, puid: string): Promise<string> {
  const [only, ...others] = inference.standings()
  if (only !== undefined && others.length === 0) return only.endpoint
  const batch = await journal.findBatch(puid)
  if (batch !== undefined) return batch.endpoint
  throw new Problem(
    'invalid',
    `it is not known which endpoint gave ${puid}: name it, as in /seldon/NAMESPACE/ENDPOINT/api/v1.0/feedback or with the header seldon-model`,
  )
}

/** The revision that gave an answer, as the answer's header named it. */
function routeOf(headers: FastifyRequest['headers']): number | undefined {
  const route = headerIn(headers, 'x-route')
  return route === undefined ? undefined : routeIn(route)
}

function bodyIn(text: string): ExactJson {
  try {
    return parseExactJson(text)
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('invalid', `the body is not JSON (${messageOf(error)}); send an object`)
  }
}
