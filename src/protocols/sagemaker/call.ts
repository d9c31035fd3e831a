import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  answerHeaders,
  contextIn,
  headerIn,
  headerText,
  type Context,
  type PredictionAnswer,
} from '#inference'

/** SageMaker's own limit for what a caller adds to a request. */
const CUSTOM_ATTRIBUTES_CHARS_MAX = 1024

type Headers = FastifyRequest['headers']

/** What the headers say of a request; a session stays with one revision, as a sticky key does. */
export function sessionContextIn(headers: Headers): Context {
  const session = headerIn(headers, 'x-amzn-sagemaker-session-id')
  return { ...contextIn(headers), ...(session === undefined ? {} : { stickyKey: session }) }
}

/** Names the prediction, and gives back what the caller added to its request. */
export function nameAnswer(reply: FastifyReply, headers: Headers, answer: PredictionAnswer): void {
  const attributes = headerIn(headers, 'x-amzn-sagemaker-custom-attributes')
  if (attributes !== undefined && isEchoed(attributes))
    void reply.header('x-amzn-sagemaker-custom-attributes', attributes)
  void reply.headers({
    ...answerHeaders(answer),
    'x-amzn-sagemaker-inference-id': headerText(answer.batch),
  })
}

function isEchoed(attributes: string): boolean {
  return attributes.length <= CUSTOM_ATTRIBUTES_CHARS_MAX && /^[\x20-\x7E]*$/.test(attributes)
}
