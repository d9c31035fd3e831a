import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { failureOf } from '#base/failure'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { DirectRoute } from '#base/direct'
import { requestGuard } from '../listening/guard.ts'
import { createAdmission, type Admission } from './admission.ts'
import { directly } from './direct.ts'
import { PARAM_CHARS_MAX, routable } from '../listening/routable.ts'

/** The HTTP server for predictions, without routes. */
export interface Listener {
  readonly http: FastifyInstance
  readonly admission: Admission
  /** Has these asked first from now on; `onAnswer` is told of each answer that they give. */
  answerDirectly(routes: readonly DirectRoute[], onAnswer: (status: number) => void): void
}

export function createListener(dependencies: {
  logger: Logger
  ids: Ids
  bodyBytesMax: number
  /** Bytes of bodies at once; four times the largest one, if nobody says. */
  servingInflightBytes?: number
  allowedHosts: string
}): Listener {
  const { logger, ids, bodyBytesMax, allowedHosts } = dependencies
  const { servingInflightBytes = 4 * bodyBytesMax } = dependencies
  // Named as Fastify names it, or its own type would carry pino's through every route.
  const loggerInstance: FastifyBaseLogger = logger
  // A number for each request of this process: random ones cost more than all of the routing.
  const prefix = ids.ulid()
  let count = 0
  const http = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytesMax,
    genReqId: () => {
      count += 1
      return `${prefix}-${count}`
    },
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    // What still comes over an open connection is told so, or answered where it has no body, and the connection closed.
    return503OnClosing: false,
    rewriteUrl: ({ url = '/' }) => routable(url),
    routerOptions: { maxParamLength: PARAM_CHARS_MAX, ignoreTrailingSlash: true },
  })
  const guard = requestGuard(allowedHosts.split(',').filter(Boolean))
  http.addHook('onRequest', (request, reply, done) => {
    reply.raw.setHeader('x-content-type-options', 'nosniff')
    void reply.header('x-request-id', request.id)
    try {
      guard(request)
      done()
    } catch (error) {
      done(error as Error)
    }
  })
  answerStrays(http)
  // Behind the hook above, so that what fails there has the headers of every answer.
  const admission = createAdmission({ bodyBytesMax, servingInflightBytes })
  return { http, admission, answerDirectly: directly(http, { guard, bodyBytesMax, admission }) }
}

/** What no protocol has a place for is answered as most of them word it. */
function answerStrays(http: FastifyInstance): void {
  http.setErrorHandler((error: Error, request, reply) => {
    const { status, headers, message, isFault } = failureOf(error, request.id)
    if (isFault) request.log.error({ err: error, request: request.id }, 'unexpected failure')
    return reply.code(status).headers(headers).send({ error: message })
  })
  http.setNotFoundHandler(({ method, url }, reply) =>
    reply.code(404).send({
      error: `there is nothing at ${method} ${url.split('?', 1)[0]}; ask for predictions at /v2/models/NAME/infer, /v1/models/NAME:predict or /endpoints/NAME/invocations`,
    }),
  )
}

/** Listens on the port, or on a free one where it is taken, and gives which it is. */
export async function listen(
  http: FastifyInstance,
  { host, port, logger }: { host: string; port: number; logger: Logger },
): Promise<number> {
  try {
    await http.listen({ host, port })
  } catch (error) {
    if (port === 0) throw error
    logger.error(
      { port, reason: messageOf(error) },
      'the servingPort is taken, so predictions are answered on a free port and on that of the server; set another servingPort',
    )
    await http.listen({ host, port: 0 })
  }
  const address = http.server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
