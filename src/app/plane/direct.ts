import type { FastifyInstance } from 'fastify'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { DirectAnswer, DirectRoute } from '#base/direct'
import { goneSignal } from '#base/gone'
import type { GuardedRequest } from '../listening/guard.ts'
import type { Admission } from './admission.ts'

type Headers = DirectAnswer['headers']
type Answerer = NonNullable<ReturnType<DirectRoute>>

interface Limits {
  readonly guard: (request: GuardedRequest) => void
  readonly bodyBytesMax: number
  readonly admission: Admission
}

const COPIED_BYTES_MAX = 16 * 1024

/** Headers of requests that are read otherwise than from their bytes as they are. */
const RARE = ['content-encoding', 'transfer-encoding', 'expect', 'upgrade']

/**
 * Answers what is asked most before the framework sees it, which costs more than all the rest. Everything else goes on to
 * the framework, also what fails here: its routes put that into the words of their protocol.
 */
export function directly(
  http: FastifyInstance,
  limits: Limits,
): (routes: readonly DirectRoute[], onAnswer: (status: number) => void) => void {
  const failures = new WeakMap<IncomingMessage, { error: Error; made: Headers }>()
  let isClosing = false
  http.addHook('onRequest', (request, reply, done) => {
    const failure = failures.get(request.raw)
    if (failure !== undefined) void reply.headers(failure.made)
    done(failure?.error)
  })
  http.addHook('preClose', async () => {
    isClosing = true
    limits.admission.close()
  })
  const framework = http.server.listeners('request')[0] as RequestListener

  const answered = async (
    answer: Answerer,
    request: IncomingMessage,
    { response, body }: { response: ServerResponse; body: Buffer },
  ): Promise<number | undefined> => {
    let made: Headers = {}
    try {
      const given = await answer({
        body,
        gone: () => goneSignal(response),
        onAnswer: (headers) => {
          made = headers
        },
      })
      // A connection that stays open would be waited for.
      if (isClosing) made = { ...made, connection: 'close' }
      send(response, made, given)
      return 200
    } catch (error) {
      failures.set(request, { error: error as Error, made })
      framework(request, response)
      return undefined
    }
  }
  const routes: DirectRoute[] = []
  let tell: ((status: number) => void) | undefined
  http.server.removeListener('request', framework)
  http.server.on('request', (request, response) => {
    if (!limits.admission.admits(request, response)) return
    const answer = isClosing ? undefined : answererOf(routes, request, limits)
    if (answer === undefined) framework(request, response)
    else
      whole(request, async (body) => {
        const status = await answered(answer, request, { response, body })
        if (status !== undefined) tell?.(status)
      })
  })
  return (given, onAnswer) => {
    routes.push(...given)
    tell = onAnswer
  }
}

function answererOf(
  routes: readonly DirectRoute[],
  request: IncomingMessage,
  { guard, bodyBytesMax }: Limits,
): Answerer | undefined {
  const { method = '', url = '', headers } = request
  // Without a length there is no body, or one in pieces.
  const isPlain =
    method === 'POST' &&
    Number(headers['content-length'] ?? Infinity) <= bodyBytesMax &&
    RARE.every((name) => headers[name] === undefined)
  if (!isPlain) return undefined
  for (const route of routes) {
    const answer = route(url, headers)
    if (answer === undefined) continue
    try {
      guard({ method, headers, raw: request })
      return answer
    } catch {
      // It is refused there, in the words of its protocol.
      return undefined
    }
  }
  return undefined
}

/** Calls back with the body when it is there; never, if the caller breaks off. */
function whole(request: IncomingMessage, then: (body: Buffer) => Promise<void>): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => void chunks.push(chunk))
  request.on(
    'end',
    () => void then(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
  )
  // The connection has ended, and with it whoever would be told.
  request.on('error', () => undefined)
}

function send(response: ServerResponse, made: Headers, { headers, body }: DirectAnswer): void {
  const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  const flat = ['x-content-type-options', 'nosniff', 'content-length', String(bytes)]
  for (const name in made) flat.push(name, made[name] as string)
  for (const name in headers) flat.push(name, headers[name] as string)
  response.writeHead(200, flat)
  // With its headers in one piece an answer goes out for less than in two, up to where the copy costs more.
  if (typeof body === 'string') response.end(body, bytes === body.length ? 'latin1' : 'utf8')
  else if (bytes <= COPIED_BYTES_MAX) response.end(body.toString('latin1'), 'latin1')
  else response.end(body)
}
