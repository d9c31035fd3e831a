import type { FastifyInstance } from 'fastify'
import { randomFraction } from '#base/ids'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import type { RpcCall, RpcMethod, RpcService } from '#base/rpc'

/** One line for each request, or for a share of them: never a body, a query or a header that a caller sent. */
export function createAccessLog({ sample, logger }: { sample: number; logger: Logger }) {
  const isLogged = () => sample >= 1 || randomFraction() < sample
  return {
    watchHttp: (http: FastifyInstance): void => {
      http.addHook('onResponse', (request, reply, done) => {
        if (isLogged())
          logger.info(
            {
              request: request.id,
              method: request.method,
              path: request.url.split('?', 1)[0],
              status: reply.statusCode,
              ms: Math.round(reply.elapsedTime * 100) / 100,
              prediction: reply.getHeader('x-prediction-id'),
              revision: reply.getHeader('x-revision'),
              modelVersion: reply.getHeader('x-model-version'),
            },
            'answered',
          )
        done()
      })
    },
    services: (services: readonly RpcService[]): RpcService[] =>
      services.map((service) => ({
        ...service,
        methods: Object.fromEntries(
          Object.entries(service.methods).map(([name, method]) => [
            name,
            loggedMethod(`${service.name}/${name}`, method, { isLogged, logger }),
          ]),
        ),
      })),
  }
}

function loggedMethod(
  rpc: string,
  method: RpcMethod,
  { isLogged, logger }: { isLogged: () => boolean; logger: Logger },
): RpcMethod {
  if (!('answer' in method)) return method
  const { answer } = method
  return {
    ...method,
    answer: async (request: never, call: RpcCall) => {
      const startedMs = performance.now()
      let failure: unknown
      try {
        return await answer(request, call)
      } catch (error) {
        failure = error
        throw error
      } finally {
        const ms = Math.round((performance.now() - startedMs) * 100) / 100
        const code = failure === undefined ? 'ok' : codeOf(failure)
        if (isLogged()) logger.info({ rpc, code, ms }, 'answered')
      }
    },
  }
}

function codeOf(failure: unknown): string {
  return failure instanceof Problem ? failure.code : `fault: ${messageOf(failure).slice(0, 100)}`
}
