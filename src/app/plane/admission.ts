import type { IncomingMessage, ServerResponse } from 'node:http'
import { Problem } from '#base/problem'

/** Bodies up to here are let in without being counted: memory is lost to large ones. */
const SMALL_BYTES = 16 * 1024
/** What a body in pieces is taken for, whose length nobody has told. */
const UNKNOWN_BYTES = 1024 * 1024
/** So many times larger a compressed body is taken to be. */
const INFLATED_TIMES = 8
const RETRY_AFTER_S = '1'

/** Decides by its head whether a request is let in, before any of its body is read. */
export interface Admission {
  /** False for one that was refused; its caller has been told. */
  admits(request: IncomingMessage, response: ServerResponse): boolean
  /** The same for a message that has come by another way than HTTP; gives what lets it go. Throws `unavailable`. */
  hold(bytes: number): () => void
  /** From now on every body is refused. */
  close(): void
}

/**
 * Lets in as many bytes of bodies at once as may be held. A body that is larger than all of that comes in alone, since its own
 * limit is another one.
 */
export function createAdmission(limits: {
  bodyBytesMax: number
  servingInflightBytes: number
}): Admission {
  let held = 0
  let isClosed = false
  /** Undefined where there is room. */
  const excess = (bytes: number): string | undefined =>
    held > 0 && held + bytes > limits.servingInflightBytes
      ? `the bodies of requests that are under way have ${held} bytes, and with this one more than ${limits.servingInflightBytes} (servingInflightBytes); try again`
      : undefined
  return {
    hold: (bytes) => {
      if (bytes <= SMALL_BYTES) return nothing
      const reason = excess(bytes)
      if (reason !== undefined) throw new Problem('unavailable', reason)
      held += bytes
      return () => (held -= bytes)
    },
    admits: (request, response) => {
      const bytes = bytesOf(request, limits.bodyBytesMax)
      if (isClosed && bytes > 0) {
        // Its connection would be waited for.
        response.setHeader('connection', 'close')
        refuse(request, response, 'the server is stopping; try again')
        return false
      }
      if (bytes <= SMALL_BYTES) return true
      const reason = excess(bytes)
      if (reason !== undefined) {
        refuse(request, response, reason)
        return false
      }
      held += bytes
      response.once('close', () => (held -= bytes))
      return true
    },
    close: () => {
      isClosed = true
    },
  }
}

const nothing = () => {}

/** How much a request may bring. */
function bytesOf({ headers }: IncomingMessage, bodyBytesMax: number): number {
  if (headers['transfer-encoding'] !== undefined) return UNKNOWN_BYTES
  const length = Number(headers['content-length'] ?? 0)
  // What is too long is refused by its protocol, and not read.
  if (length > bodyBytesMax) return 0
  return headers['content-encoding'] === undefined
    ? length
    : Math.min(bodyBytesMax, length * INFLATED_TIMES)
}

function refuse(request: IncomingMessage, response: ServerResponse, error: string): void {
  response.writeHead(503, {
    'content-type': 'application/json',
    'retry-after': RETRY_AFTER_S,
    'x-content-type-options': 'nosniff',
  })
  response.end(JSON.stringify({ error }))
  // Who is still sending reads no answer before the end of it.
  request.resume()
}
