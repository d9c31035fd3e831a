import type { IncomingHttpHeaders } from 'node:http'

type Headers = Readonly<Record<string, string>>

/** A request that has come whole. */
export interface DirectCall {
  readonly body: Buffer
  /**
   * Aborts when the caller has gone before it was answered. A function, since hardly anybody asks, and V8 keeps what an object
   * with a getter of its own holds until it has walked the whole heap: a fifth of the time of serving went there.
   */
  gone(this: void): AbortSignal
  /** Told the headers of every answer as soon as a prediction was made, in case that it cannot be put into words. */
  onAnswer(headers: Headers): void
}

/** An answer of status 200, with headers beside those that `onAnswer` was told. */
export interface DirectAnswer {
  readonly headers: Headers
  readonly body: string | Buffer
}

/**
 * The way of a protocol to answer what it is asked most, from bytes to bytes. Gives nothing for all that is rare, which then
 * goes the way of all requests; what it throws is put into words there too.
 */
export type DirectRoute = (
  path: string,
  headers: IncomingHttpHeaders,
) => ((call: DirectCall) => Promise<DirectAnswer>) | undefined
