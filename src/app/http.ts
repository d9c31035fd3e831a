import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import { requestGuard } from './guard.ts'
import { typeBoxValidatorCompiler } from './validator.ts'

/** The HTTP server without routes: request ids, limits, the Host and Origin checks. */
export function createHttp(dependencies: {
  logger: Logger
  ids: Ids
  bodyBytesMax: number
  allowedHosts: readonly string[]
}): FastifyInstance {
  const { logger, ids, bodyBytesMax, allowedHosts } = dependencies
  // Named as Fastify names it, or its own type would carry pino's through every route.
  const loggerInstance: FastifyBaseLogger = logger
  const http = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytesMax,
    genReqId: () => ids.ulid(),
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    routerOptions: { maxParamLength: 1000, ignoreTrailingSlash: true },
  })
  const guard = requestGuard(allowedHosts)
  http.setValidatorCompiler(typeBoxValidatorCompiler)
  http.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id)
    void reply.header('x-content-type-options', 'nosniff')
    guard(request)
  })
  http.addHook('onResponse', async (request, reply) => {
    const line = {
      request: request.id,
      method: request.method,
      url: request.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    }
    if (reply.statusCode >= 500) logger.error(line, 'request failed')
    else logger.debug(line, 'request')
  })
  return http
}
