import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '#base/problem'
import { routedBy, routeHeader, type PredictionAnswer, type PredictionRequest } from '#inference'

/** What a caller says of a request in its headers: its id, how long it waits, and who should answer. */
export function contextIn({
  headers,
}: FastifyRequest): Omit<PredictionRequest, 'input' | 'pin' | 'params'> {
  const id = textOf(headers['x-request-id'])
  const timeout = textOf(headers['x-request-timeout-ms'])
  if (timeout !== undefined && !/^\d{1,9}$/.test(timeout))
    throw new Problem(
      'invalid',
      `x-request-timeout-ms is ${timeout.slice(0, 40)}; it has to be a whole number of milliseconds`,
    )
  return {
    ...(id === undefined || id === '' ? {} : { id }),
    ...(routedBy(headers) as Pick<PredictionRequest, 'override' | 'route' | 'stickyKey'>),
    ...(timeout === undefined ? {} : { deadlineMs: Number(timeout) }),
  }
}

/** Tells which revision answered, and what the prediction is called. */
export function nameAnswer(
  reply: FastifyReply,
  { batch, modelVersion, revision }: PredictionAnswer,
): void {
  void reply.headers({
    'x-request-id': batch,
    'x-prediction-id': batch,
    'x-model-version': modelVersion,
    'x-revision': String(revision),
    'x-route': routeHeader(revision),
  })
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
