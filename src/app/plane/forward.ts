import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Agent, request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http'
import { messageOf } from '#base/problem'
import type { Addresses } from './messages.ts'

/** What predictions are asked at on the server's own port; all their protocols are on the plane's. */
const PATHS = [
  '/endpoints/*',
  '/v2',
  '/v2/*',
  '/v1/models',
  '/v1/models/*',
  '/seldon/*',
  '/api/v1.0/feedback',
]

/** Headers of one connection. */
const OF_THE_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
])

interface Forwarding {
  readonly host: string
  readonly bodyBytesMax: number
  readonly addresses: () => Promise<Addresses>
}

/** Passes what asks for predictions on to the plane as it comes, and back as it is answered. */
export function forwardPredictions(
  http: FastifyInstance,
  { host, bodyBytesMax, addresses }: Forwarding,
): void {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 256 })
  http.addHook('onClose', async () => agent.destroy())
  const forward = async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      const { port } = await addresses()
      reply.hijack()
      passOn(request, reply, { agent, host, port, bodyBytesMax })
    } catch (error) {
      reply.hijack()
      refuse(reply, messageOf(error))
    }
  }
  for (const url of PATHS)
    http.all(
      url,
      { schema: { hide: true }, config: { isPassedOn: true }, onRequest: forward },
      async () => undefined,
    )
}

function passOn(
  { raw, originalUrl }: FastifyRequest,
  reply: FastifyReply,
  to: { agent: Agent; host: string; port: number; bodyBytesMax: number },
): void {
  const asked = requestHttp({
    ...to,
    method: raw.method,
    path: originalUrl,
    headers: passedOn(raw.rawHeaders),
  })
  const answered = reply.raw
  asked.once('response', (answer: IncomingMessage) => {
    answered.writeHead(answer.statusCode ?? 502, answer.statusMessage, passedOn(answer.rawHeaders))
    answer.once('error', () => answered.destroy())
    answer.pipe(answered)
  })
  asked.once('error', (error) => {
    // What was begun cannot be taken back; the caller sees it break off.
    if (answered.headersSent) answered.destroy()
    else if (isRefused(error)) refuse(reply, messageOf(error))
    else leaveInDoubt(reply, messageOf(error))
  })
  answered.once('close', () => {
    if (!answered.writableEnded) asked.destroy()
  })
  if (Number(raw.headers['content-length'] ?? 0) > to.bodyBytesMax) {
    // The plane refuses it by its headers alone, and the rest stays unread.
    answered.shouldKeepAlive = false
    asked.flushHeaders()
    return
  }
  pipeUpTo(raw, asked, to.bodyBytesMax, () => {
    answered.shouldKeepAlive = false
  })
}

/** Sends no more than is refused already, or the plane would hang up before its refusal is read. */
function pipeUpTo(
  from: IncomingMessage,
  to: ClientRequest,
  bytesMax: number,
  onMore: () => void,
): void {
  let bytes = 0
  from.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= bytesMax) return
    from.unpipe(to)
    from.pause()
    onMore()
  })
  from.pipe(to)
}

/** Headers as they came, in names and values that take turns, without those of the connection. */
function passedOn(raw: readonly string[]): string[] {
  const headers: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string
    if (!OF_THE_CONNECTION.has(name.toLowerCase())) headers.push(name, raw[at + 1] as string)
  }
  return headers
}

/** Whether nobody was there to read the request. */
function isRefused({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNREFUSED'
}

function refuse(reply: FastifyReply, reason: string): void {
  say(reply, 503, `predictions cannot be answered at this moment: ${reason}; try again`)
}

/** What was asked may be in the log: only the name of a request makes it safe to send it again. */
function leaveInDoubt(reply: FastifyReply, reason: string): void {
  say(
    reply,
    502,
    `the process that answers predictions ended before it had answered (${reason}), and may have logged a prediction; with an x-request-id of its own the request can be sent again and counts once`,
  )
}

/** In the words of all protocols that are forwarded, since none of them has read the request. */
function say(reply: FastifyReply, status: 502 | 503, message: string): void {
  const answered = reply.raw
  if (answered.headersSent || answered.destroyed) return
  answered.writeHead(status, { 'content-type': 'application/json', 'retry-after': '1' })
  answered.end(JSON.stringify({ error: message, error_code: 'TEMPORARILY_UNAVAILABLE', message }))
}
