import { Problem, type ProblemCode } from './problem.ts'

/** HTTP's statuses for problems; a protocol whose clients know others says which. */
export const HTTP_STATUS: Readonly<Record<ProblemCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  exists: 409,
  conflict: 409,
  limit: 413,
  quota: 429,
  unsupported: 501,
  unavailable: 503,
  timeout: 504,
  full: 507,
}

/** What a protocol answers for something that was thrown; it only has to word it. */
export interface Failure {
  readonly status: number
  readonly message: string
  readonly headers: { readonly 'retry-after'?: string }
  /** Undefined where the server could not read the request, or has a fault. */
  readonly problem: Problem | undefined
  /** Whether it is a fault of ours, that belongs into the log and whose cause nobody else is told. */
  readonly isFault: boolean
}

/** `statusCode` is that of the HTTP server's own refusals: a body that is too long, a type that it does not read. */
export function failureOf(
  error: Error & { readonly statusCode?: number },
  requestId: string,
  statuses: Readonly<Record<ProblemCode, number>> = HTTP_STATUS,
): Failure {
  if (error instanceof Problem) {
    const retryAfter = retryAfterIn(error)
    return {
      status: statuses[error.code],
      message: error.message,
      headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
      problem: error,
      isFault: false,
    }
  }
  const refused = { headers: {}, problem: undefined }
  if (error.statusCode !== undefined && error.statusCode < 500)
    return { ...refused, status: error.statusCode, message: error.message, isFault: false }
  const message = `this is a fault of the server; its log has the request ${requestId}`
  return { ...refused, status: 500, message, isFault: true }
}

/**
 * When what was refused may succeed, in whole seconds, one at least, as HTTP has them; undefined where it will not. A
 * problem says by `retryAfterMs` when it knows.
 */
export function retryAfterIn(error: unknown): string | undefined {
  if (!(error instanceof Problem)) return undefined
  if (error.code !== 'unavailable' && error.code !== 'quota') return undefined
  const waitMs = Number(error.details['retryAfterMs'] ?? 0)
  return String(Math.max(1, Math.ceil(waitMs / 1000)))
}
