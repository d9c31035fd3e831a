import type { FastifyInstance } from 'fastify'
import { HTTP_STATUS } from '#base/failure'
import { Problem } from '#base/problem'

/** Answers every failure as `application/problem+json` (RFC 9457); of a bug only the request id is told. */
export function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler(
    (error: Error & { statusCode?: number; validation?: unknown }, request, reply) => {
      const { status, code, detail } = problemOf(error, request.headers['content-type'])
      if (status >= 500 && !(error instanceof Problem))
        request.log.error({ err: error, request: request.id }, 'unexpected failure')
      const details = error instanceof Problem ? error.details : {}
      return reply
        .code(status)
        .type('application/problem+json')
        .send({
          type: 'about:blank',
          title: code,
          status,
          detail,
          code,
          request: request.id,
          ...details,
        })
    },
  )
}

function problemOf(
  error: Error & { statusCode?: number; validation?: unknown },
  contentType: string | undefined,
) {
  if (error instanceof Problem)
    return { status: HTTP_STATUS[error.code], code: error.code, detail: error.message }
  if (error.statusCode === 415)
    return {
      status: 415,
      code: 'invalid',
      detail: `bodies of the content type ${JSON.stringify(contentType ?? '')} are not read here; send application/json`,
    }
  if (error.statusCode !== undefined && error.statusCode < 500)
    return { status: error.statusCode, code: 'invalid', detail: error.message }
  return {
    status: 500,
    code: 'internal',
    detail: 'this is a fault of the server; its log has the request id',
  }
}
