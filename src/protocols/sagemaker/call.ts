import type { FastifyReply, FastifyRequest } from 'fastify'
import { routedBy, routeHeader, type PredictionAnswer, type PredictionRequest } from '#inference'

/** SageMaker's own limit for what a caller adds to a request. */
const CUSTOM_ATTRIBUTES_CHARS_MAX = 1024

type Headers = FastifyRequest['headers']

export function headerIn(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  const text = Array.isArray(value) ? value[0] : value
  return text === '' ? undefined : text
}

/**
 * What the headers say of a request: its id, by which truth is joined to it later, the session that stays with one
 * revision, and the variant that should answer.
 */
export function contextIn(headers: Headers): Omit<PredictionRequest, 'input' | 'params' | 'pin'> {
  const id = headerIn(headers, 'x-amzn-sagemaker-inference-id') ?? headerIn(headers, 'x-request-id')
  const session = headerIn(headers, 'x-amzn-sagemaker-session-id')
  return {
    ...(routedBy(headers) as Pick<PredictionRequest, 'override' | 'route' | 'stickyKey'>),
    ...(session === undefined ? {} : { stickyKey: session }),
    ...(id === undefined ? {} : { id }),
  }
}

/** Names the prediction, and gives back what the caller added to its request. */
export function nameAnswer(
  reply: FastifyReply,
  headers: Headers,
  { batch, modelVersion, revision }: PredictionAnswer,
): FastifyReply {
  const attributes = headerIn(headers, 'x-amzn-sagemaker-custom-attributes')
  if (attributes !== undefined && isEchoed(attributes))
    void reply.header('x-amzn-sagemaker-custom-attributes', attributes)
  return reply.headers({
    'x-amzn-sagemaker-inference-id': batch,
    'x-request-id': batch,
    'x-prediction-id': batch,
    'x-model-version': modelVersion,
    'x-revision': String(revision),
    'x-route': routeHeader(revision),
  })
}

function isEchoed(attributes: string): boolean {
  return attributes.length <= CUSTOM_ATTRIBUTES_CHARS_MAX && /^[\x20-\x7E]*$/.test(attributes)
}
