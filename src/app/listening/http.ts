import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { Ids } from '#base/ids'
import { assertUnicode, textOf } from '#base/json'
import type { Logger } from '#base/logger'
import { asAsked } from '#stores/sql/room'
import { requestGuard } from './guard.ts'
import { PARAM_CHARS_MAX, routable } from './routable.ts'
import { typeBoxValidatorCompiler } from './validator.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** It is answered by another process. */
    isPassedOn?: boolean
  }
}

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
    // What still comes over an open connection is answered, and the connection closed with that.
    return503OnClosing: false,
    rewriteUrl: ({ url = '/' }) => routable(url),
    routerOptions: { maxParamLength: PARAM_CHARS_MAX, ignoreTrailingSlash: true },
  })
  readUnicodeAlone(http)
  const guard = requestGuard(allowedHosts)
  http.setValidatorCompiler(typeBoxValidatorCompiler)
  http.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id)
    void reply.header('x-content-type-options', 'nosniff')
    // What is passed on is judged where it is answered, in the words of its protocol.
    if (!request.routeOptions.config.isPassedOn) guard(request)
  })
  // From here on, because what reads a body goes on in a context of its own.
  http.addHook('preValidation', (request, _, done) => asAsked({ frees: frees(request) }, done))
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

/** Reads JSON as Fastify does, and refuses text that is none. */
function readUnicodeAlone(http: FastifyInstance): void {
  const read = http.getDefaultJsonParser('error', 'error')
  http.removeContentTypeParser('application/json')
  http.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request, bytes: Buffer, done) => {
      try {
        const text = textOf(bytes)
        let failure: Error | null = null
        let value: unknown
        void read(request, text, (error, body) => {
          failure = error
          value = body
        })
        assertUnicode(value, text)
        done(failure, value)
      } catch (error) {
        done(error as Error)
      }
    },
  )
}

/** Whether a request may free space: on a full disk these are taken, and no others that write. */
function frees({ method, url }: { method: string; url: string }): boolean {
  return (
    method === 'DELETE' || /[/-](delete|purge|trash|objects|gc)\b/.test(url.split('?', 1)[0] ?? '')
  )
}
