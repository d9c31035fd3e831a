import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { messageOf, Problem } from '#base/problem'
import type { Destinations } from '#webhooks'
import {
  addressesOf,
  publicAddresses,
  systemResolve,
  type Address,
  type Resolve,
} from './addresses.ts'

const TIMEOUT_MS = 10_000
/** What is kept of an answer for the log. */
const ANSWER_BYTES_MAX = 4096
/** A receiver can ask for this much rest. */
const RETRY_AFTER_MAX_MS = 3_600_000

interface Settings {
  /** `https`, and `http` where that is allowed. */
  readonly schemes: readonly string[]
  readonly allowPrivate: boolean
  readonly agent: string
  readonly resolve?: Resolve
  readonly timeoutMs?: number
  /** What is read of an answer; the beginning of it by default. */
  readonly answerBytesMax?: number
}

/** Gives the address of a host that may be connected to. Throws as a post to it does. */
export type Reach = (host: string, signal: AbortSignal) => Promise<Address>

/** For what is not spoken over HTTP: hosts that users give, with the same guard before them. */
export function openReach(settings: Settings): Reach {
  const { resolve = systemResolve(), timeoutMs = TIMEOUT_MS, allowPrivate } = settings
  return async (host, signal) => {
    const url = new URL(`http://${host}`)
    const timed = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal])
    const found = allowPrivate ? addressesOf(url, resolve) : publicAddresses(url, resolve)
    const [first] = await inTime(found, timed, url)
    if (first !== undefined) return first
    throw new Problem('unavailable', `${host} has no address now`)
  }
}

type Request = Parameters<Destinations['post']>[0]

/**
 * Posts to addresses that users give. A host is resolved once for each request, every address it has is checked, and the
 * connection goes to one of those: a name that means something else a moment later leads nowhere else.
 */
export function openDestinations(settings: Settings): Destinations {
  const { resolve = systemResolve(), timeoutMs = TIMEOUT_MS } = settings
  return {
    check: async (text) => {
      const url = urlIn(text, settings)
      if (settings.allowPrivate) return
      try {
        await inTime(publicAddresses(url, resolve), AbortSignal.timeout(timeoutMs), url)
      } catch (error) {
        // Nothing is kept that could not be checked.
        throw new Problem('invalid', messageOf(error))
      }
    },
    post: async (request) => {
      const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), request.signal])
      const url = urlIn(request.url, settings)
      const addresses = await inTime(
        settings.allowPrivate ? addressesOf(url, resolve) : publicAddresses(url, resolve),
        signal,
        url,
      )
      const headers = { ...request.headers, 'user-agent': settings.agent }
      const answerBytesMax = settings.answerBytesMax ?? ANSWER_BYTES_MAX
      return exchange({ ...request, headers, signal, answerBytesMax }, url, addresses)
    },
  }
}

function urlIn(text: string, { schemes }: Settings): URL {
  const url = URL.parse(text)
  if (url === null)
    throw new Problem(
      'invalid',
      `the webhook's URL is no URL: ${JSON.stringify(text.slice(0, 200))}`,
    )
  const scheme = url.protocol.slice(0, -1)
  if (!schemes.includes(scheme))
    throw new Problem(
      'invalid',
      `Invalid webhook URL scheme: '${scheme}'. Allowed schemes are: ${schemes.join(', ')}; the server's setting webhookSchemes names them`,
    )
  if (url.username !== '' || url.password !== '')
    throw new Problem(
      'invalid',
      "the webhook's URL has a user or a password in it; leave them out, for messages are signed",
    )
  return url
}

async function exchange(
  { headers, body, signal, answerBytesMax }: Request & { answerBytesMax: number },
  url: URL,
  addresses: readonly Address[],
): Promise<{ status: number; body: string; retryAfterMs: number | null }> {
  const bytes = Buffer.from(body)
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': bytes.length,
          ...headers,
        },
        lookup: fixed(addresses),
        // A connection of its own, so that none is taken over that was made to another address.
        agent: false,
        signal,
        maxHeaderSize: 16_384,
      })
      request.once('response', resolve).once('error', reject).end(bytes)
    })
    return {
      status: response.statusCode ?? 0,
      body: await beginning(response, answerBytesMax),
      retryAfterMs: retryAfterIn(response.headers['retry-after']),
    }
  } catch (error) {
    throw unanswered(error, signal, url)
  }
}

/** Answers every question for an address with those that were checked. */
function fixed(addresses: readonly Address[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses
    if (options.all === true) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
}

/** The first bytes of an answer; what comes after them is not waited for. */
async function beginning(response: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= bytesMax) break
    }
  } catch {
    // The status came and says how it went; the text is only for the log.
  }
  response.destroy()
  // Text columns of PostgreSQL hold no NUL.
  return Buffer.concat(chunks).subarray(0, bytesMax).toString().replaceAll('\0', '�')
}

function retryAfterIn(header: string | undefined): number | null {
  if (header === undefined || !/^\d{1,9}$/.test(header)) return null
  return Math.min(RETRY_AFTER_MAX_MS, Number(header) * 1000)
}

/** The value, unless the signal comes first. */
async function inTime<T>(work: Promise<T>, signal: AbortSignal, url: URL): Promise<T> {
  const late = Promise.withResolvers<never>()
  const stop = () => late.reject(unanswered(signal.reason, signal, url))
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, late.promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function unanswered(error: unknown, signal: AbortSignal, url: URL): Problem {
  if (signal.aborted && (signal.reason as Error).name === 'TimeoutError')
    return new Problem('timeout', `${url.host} did not answer in time`)
  // What is connected to by several addresses fails with a list whose own message is empty.
  const { code, message } = error as Error & { code?: string }
  return new Problem(
    'unavailable',
    `${url.host} could not be reached: ${message || code || 'error'}`,
  )
}
