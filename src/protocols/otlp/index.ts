import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inflated } from '#base/inflate'
import { messageOf, Problem, type ProblemCode } from '#base/problem'
import type { Traces } from '#traces'
import { deliveryInJson } from './json.ts'
import { answerInProtobuf, deliveryInProtobuf } from './protobuf.ts'
import type { Delivery } from './span.ts'

const EXPERIMENT = 'x-mlflow-experiment-id'
const RUN = 'x-mlflow-run-id'
const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'

const STATUS: Readonly<Partial<Record<ProblemCode, number>>> = {
  'not-found': 404,
  limit: 413,
  unavailable: 503,
  timeout: 504,
  quota: 429,
  // Not among those on which exporters try again.
  full: 507,
}

/** OpenTelemetry's protocol over HTTP, for traces: any SDK or collector that can set a header. */
export async function otlpProtocol(
  http: FastifyInstance,
  { traces, bodyBytesMax }: { traces: Traces; bodyBytesMax: number },
): Promise<void> {
  http.removeAllContentTypeParsers()
  // Every body is taken as it is, so that one of a wrong kind is told in this protocol's words.
  http.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: bodyBytesMax }, (_, body, done) =>
    done(null, body),
  )
  http.setErrorHandler(answerError)
  http.post('/v1/traces', async (request, reply) => {
    const experimentId = headerOf(request, EXPERIMENT)
    if (experimentId === undefined) return answerMissing(reply)
    const type = headerOf(request, 'content-type')?.split(';')[0]?.trim().toLowerCase()
    if (type !== PROTOBUF && type !== JSON_TYPE)
      throw new Problem(
        'invalid',
        `Invalid Content-Type: ${type ?? 'none'}. Expected: ${PROTOBUF} or ${JSON_TYPE}`,
      )
    const encoding = headerOf(request, 'content-encoding')
    const body = await inflated(bytesOf(request.body), encoding, bodyBytesMax, 'invalid')
    const { spans, rejected } = deliveryIn(body, type)
    if (spans.length === 0)
      throw new Problem('invalid', rejected[0] ?? 'Invalid OpenTelemetry format - no spans found')
    const runId = headerOf(request, RUN)
    await traces.logSpans({ experimentId, spans, ...(runId === undefined ? {} : { runId }) })
    return answer(reply, type, rejected)
  })
}

function deliveryIn(body: Buffer, type: typeof PROTOBUF | typeof JSON_TYPE): Delivery {
  try {
    return type === PROTOBUF ? deliveryInProtobuf(body) : deliveryInJson(body.toString('utf8'))
  } catch (error) {
    throw new Problem('invalid', `Invalid OpenTelemetry format: ${messageOf(error)}`)
  }
}

/** All kept, or which were not: the others are, and sending them again would change nothing. */
function answer(reply: FastifyReply, type: string, rejected: readonly string[]): FastifyReply {
  const message = rejected.slice(0, 3).join('; ')
  if (type === PROTOBUF)
    return reply.type(PROTOBUF).send(Buffer.from(answerInProtobuf(rejected.length, message)))
  return reply
    .type(JSON_TYPE)
    .send(
      rejected.length === 0
        ? {}
        : { partialSuccess: { rejectedSpans: String(rejected.length), errorMessage: message } },
    )
}

/** As the reference server's framework tells a header that is missing. */
function answerMissing(reply: FastifyReply): FastifyReply {
  return reply.code(422).send({
    detail: [
      {
        type: 'missing',
        loc: ['header', EXPERIMENT],
        msg: 'Field required: it says in which experiment the traces are kept',
        input: null,
      },
    ],
  })
}

function answerError(
  error: Error & { statusCode?: number },
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof Problem)
    return reply.code(STATUS[error.code] ?? 400).send({ detail: error.message })
  if (error.statusCode !== undefined && error.statusCode < 500)
    return reply.code(error.statusCode).send({ detail: error.message })
  request.log.error({ err: error, request: request.id }, 'unexpected failure')
  return reply.code(500).send({
    detail: `this is a fault of the server; its log has the request ${request.id}`,
  })
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value || undefined
}

function bytesOf(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}
