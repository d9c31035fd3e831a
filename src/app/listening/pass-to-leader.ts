import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { request as requestHttp, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { request as requestHttps } from 'node:https'
import { messageOf, Problem } from '#base/problem'
import type { Replicas, ShownReplica } from '#replicas'

/** Routes that need the prediction log, models in memory or clones of projects, by how they begin. */
const BY_LEADER = [
  '/endpoints/',
  '/v2',
  '/v1/models',
  '/api/v1/endpoints',
  '/api/v1/predictions',
  '/api/v1/overview',
  '/api/v1/activity',
  '/api/v1/storage/unused',
  '/api/v1/models/:model/versions/:version/reference',
  '/api/v1/run-requests',
  '/api/v1/pipeline-runs/:id/stages/:stage/log',
]
/** These are read by anybody, and changed by the leader. */
const CHANGED_BY_LEADER = ['/api/v1/projects']

/** What belongs to one connection, or was judged where the request came in. */
const NOT_PASSED_ON = [
  'host',
  'connection',
  'keep-alive',
  'upgrade',
  'expect',
  'transfer-encoding',
  'origin',
  'sec-fetch-site',
]
const PASSED_ON = 'x-orrery-replica'
/** A project is cloned in this time. */
const ANSWER_MS_MAX = 10 * 60_000

/** Passes what only the leader can answer on to it, wherever the request came in. */
export function passOnToLeader(
  http: FastifyInstance,
  replicas: Replicas,
  guard: (request: FastifyRequest) => void,
): void {
  http.addHook('onRequest', async (request, reply) => {
    if (replicas.leads() || !needsLeader(request)) return
    const leader = await replicas.leader()
    if (leader === undefined || !leader.isThere || request.headers[PASSED_ON] !== undefined)
      throw noLeader(reply, leader)
    // The leader takes it from one of us.
    guard(request)
    await passOn(request, reply, leader)
  })
}

function needsLeader({ routeOptions, method }: FastifyRequest): boolean {
  const { url = '' } = routeOptions
  if (BY_LEADER.some((start) => url.startsWith(start))) return true
  return method !== 'GET' && CHANGED_BY_LEADER.some((start) => url.startsWith(start))
}

async function passOn(
  request: FastifyRequest,
  reply: FastifyReply,
  leader: ShownReplica,
): Promise<void> {
  const target = new URL(request.originalUrl, leader.url)
  const headers: OutgoingHttpHeaders = { ...request.headers, [PASSED_ON]: leader.id }
  for (const name of NOT_PASSED_ON) delete headers[name]
  const send = target.protocol === 'https:' ? requestHttps : requestHttp
  const asked = send(target, { method: request.method, headers, timeout: ANSWER_MS_MAX })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve)
    asked.once('error', reject)
    asked.once('timeout', () => asked.destroy(new Error('it took too long')))
  })
  reply.raw.once('close', () => asked.destroy())
  request.raw.pipe(asked)
  let answer: IncomingMessage
  try {
    answer = await answered
  } catch (error) {
    throw noLeader(reply, leader, messageOf(error))
  }
  reply.hijack()
  reply.raw.writeHead(answer.statusCode ?? 502, answer.headers)
  answer.once('error', () => reply.raw.destroy())
  answer.pipe(reply.raw)
}

function noLeader(
  reply: FastifyReply,
  leader: ShownReplica | undefined,
  reason = 'it has ended or is starting',
): Problem {
  void reply.header('retry-after', '1')
  return new Problem(
    'unavailable',
    leader === undefined
      ? 'only the server that leads can answer this, and none leads yet; try again'
      : `only the server that leads can answer this, which is ${leader.url} (${reason}); try again, or see that it runs`,
  )
}
