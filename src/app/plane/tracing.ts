import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { randomFraction, randomIds } from '#base/ids'
import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { RpcCall, RpcMethod, RpcService } from '#base/rpc'
import type { Inference, PredictionRequest } from '#inference'
import type { SentSpan } from '#protocols/otlp/sent'
import { spanExporter } from './exporter.ts'

/** A span that has begun. */
interface OpenSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly startMs: number
}

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/

/** Tells a collector of requests, of how long they waited and how long their model ran. */
export function createTracing(settings: {
  endpoint: string
  /** The share of requests that are traced when their callers say nothing of it. */
  sample: number
  logger: Logger
}) {
  const exporter = spanExporter(settings)
  const current = new AsyncLocalStorage<OpenSpan>()
  /** Undefined for a request that is not traced: the caller's word counts, then chance. */
  const begin = (traceparent: string | undefined): OpenSpan | undefined => {
    const [, traceId, parentId, flags = '00'] = TRACEPARENT.exec(traceparent ?? '') ?? []
    const sampled =
      traceId === undefined
        ? randomFraction() < settings.sample
        : (Number.parseInt(flags, 16) & 1) === 1
    if (!sampled) return undefined
    return { traceId: traceId ?? randomIds.hex32(), spanId: spanId(), parentId, startMs: nowMs() }
  }
  const end = (
    span: OpenSpan,
    told: Pick<SentSpan, 'name' | 'kind' | 'attributes' | 'failure'>,
  ): void => exporter.add({ ...span, ...told, endMs: nowMs() })

  return {
    watchHttp: (http: FastifyInstance) => watchHttp(http, { begin, end, current }),
    services: (services: readonly RpcService[]) =>
      services.map((service) => tracedService(service, { begin, end, current })),
    inference: (inference: Inference): Inference => ({
      ...inference,
      predict: async (endpoint, request) => {
        const parent = current.getStore()
        if (parent === undefined) return inference.predict(endpoint, request)
        return predictTraced(inference, { endpoint, request, parent, end, add: exporter.add })
      },
    }),
    stop: exporter.stop,
  }
}

export type Tracing = ReturnType<typeof createTracing>

interface Means {
  begin(traceparent: string | undefined): OpenSpan | undefined
  end(span: OpenSpan, told: Pick<SentSpan, 'name' | 'kind' | 'attributes' | 'failure'>): void
  readonly current: AsyncLocalStorage<OpenSpan>
}

function watchHttp(http: FastifyInstance, { begin, end, current }: Means): void {
  const spans = new WeakMap<FastifyRequest, OpenSpan>()
  http.addHook('onRequest', (request, reply, done) => {
    const given = request.headers['traceparent']
    const span = begin(typeof given === 'string' ? given : undefined)
    if (span !== undefined) {
      spans.set(request, span)
      void reply.header('traceparent', traceparentOf(span))
    }
    done()
  })
  // From here on, because what reads a body goes on in a context of its own.
  http.addHook('preHandler', (request, _, done) => {
    const span = spans.get(request)
    if (span === undefined) done()
    else current.run(span, done)
  })
  http.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request)
    if (span !== undefined) {
      const { method, routeOptions } = request
      const route = routeOptions.url ?? 'unknown'
      end(span, {
        name: `${method} ${route}`,
        kind: 'server',
        attributes: {
          'http.request.method': method,
          'http.route': route,
          'http.response.status_code': reply.statusCode,
        },
        failure: reply.statusCode >= 500 ? `status ${reply.statusCode}` : undefined,
      })
    }
    done()
  })
}

function tracedService(service: RpcService, means: Means): RpcService {
  const methods = Object.entries(service.methods).map(([name, method]) => [
    name,
    tracedMethod(`${service.name}/${name}`, method, means),
  ])
  return { ...service, methods: Object.fromEntries(methods) as RpcService['methods'] }
}

/** One answer for one message; streams stay as they are. */
function tracedMethod(name: string, method: RpcMethod, { begin, end, current }: Means): RpcMethod {
  if (!('answer' in method)) return method
  const { answer } = method
  return {
    ...method,
    answer: async (request: never, call: RpcCall) => {
      const span = begin(call.header('traceparent'))
      if (span === undefined) return answer(request, call)
      call.setHeader('traceparent', traceparentOf(span))
      const attributes = { 'rpc.system': 'grpc', 'rpc.method': name }
      try {
        const answered = await current.run(span, () => answer(request, call))
        end(span, { name, kind: 'server', attributes })
        return answered
      } catch (error) {
        end(span, { name, kind: 'server', attributes, failure: messageOf(error) })
        throw error
      }
    },
  }
}

async function predictTraced(
  inference: Inference,
  asked: {
    endpoint: string
    request: PredictionRequest
    parent: OpenSpan
    end: Means['end']
    add: (span: SentSpan) => void
  },
) {
  const { endpoint, request, parent, end, add } = asked
  const { traceId } = parent
  const span = { traceId, spanId: spanId(), parentId: parent.spanId, startMs: nowMs() }
  const name = `predict ${endpoint}`
  const onRun: PredictionRequest['onRun'] = (run) => {
    request.onRun?.(run)
    const endMs = nowMs()
    const ranFromMs = endMs - run.ranMs
    const below = { traceId, parentId: span.spanId, kind: 'internal' as const }
    const queued = { startMs: ranFromMs - run.queuedMs, endMs: ranFromMs, attributes: {} }
    add({ ...below, ...queued, spanId: spanId(), name: 'queue' })
    const attributes = { 'orrery.batch.rows': run.rows }
    add({ ...below, spanId: spanId(), name: 'model', startMs: ranFromMs, endMs, attributes })
  }
  try {
    const answer = await inference.predict(endpoint, { ...request, onRun })
    const attributes = {
      'orrery.endpoint': endpoint,
      'orrery.revision': answer.revision,
      'orrery.model_version': answer.modelVersion,
      'orrery.rows': answer.rows,
      'orrery.prediction': answer.batch,
    }
    end(span, { name, kind: 'internal', attributes })
    return answer
  } catch (error) {
    const attributes = { 'orrery.endpoint': endpoint }
    end(span, { name, kind: 'internal', attributes, failure: messageOf(error) })
    throw error
  }
}

function traceparentOf({ traceId, spanId: id }: OpenSpan): string {
  return `00-${traceId}-${id}-01`
}

function spanId(): string {
  return randomIds.hex32().slice(0, 16)
}

function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
