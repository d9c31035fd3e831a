import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { failureOf } from '#base/failure'
import { messageOf } from '#base/problem'
import type { Access, DataStore, DataStores } from '#datastores'
import { sendObject } from './answer.ts'
import { received } from './arriving.ts'
import { callerOf } from './caller.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller must be allowed in the data store. */
    wants?: Access
  }
}

export interface DvcRemoteParts {
  readonly datastores: DataStores
  /** So long may an upload rest without a byte. */
  readonly uploadSilenceMs?: number
}

/** As many as a client of ours asks for at once, and some more. */
const KEYS_MAX = 50_000
const KEY_CHARS_MAX = 64
const PRESENT_BYTES_MAX = KEYS_MAX * (KEY_CHARS_MAX + 8)

const PresentBody = Type.Object({
  keys: Type.Array(Type.String({ maxLength: 1024 }), { maxItems: KEYS_MAX }),
})
const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 10_000, default: 1000 }),
  after: Type.Optional(Type.String({ maxLength: 1024 })),
})

/**
 * Data stores as the remotes of `dvc` and `orrery`: objects under the names that DVC gives them, asked for by HEAD and GET,
 * sent by POST or PUT, removed by DELETE; and what DVC has no words for, a list and a question about many at once.
 */
export async function dvcRemoteProtocol(
  app: FastifyInstance,
  parts: DvcRemoteParts,
): Promise<void> {
  const { datastores } = parts
  const admitted = new WeakMap<FastifyRequest, DataStore>()
  const storeFor = (request: FastifyRequest) => admitted.get(request) as DataStore
  answerFailures(app)
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-orrery-remote', '1')
    const { wants } = request.routeOptions.config
    if (wants === undefined) return
    const { store = '' } = request.params as { store?: string }
    admitted.set(request, await datastores.admit(store, callerOf(request), wants))
  })

  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/dvc/:store',
    { schema: { hide: true, querystring: ListQuery }, config: { wants: 'read' } },
    async (request) => {
      const { limit } = request.query
      const page = await datastores.listObjects(storeFor(request), request.query)
      return {
        objects: page.map(({ key, sizeBytes }) => ({ key, sizeBytes })),
        next: page.length === limit ? (page.at(-1)?.key ?? null) : null,
      }
    },
  )
  app.get('/dvc/:store/*', { config: { wants: 'read' } }, async (request, reply) => {
    const key = keyOf(request)
    const object = await datastores.findObject(storeFor(request), key)
    if (object !== undefined) return sendObject(request, reply, { object, datastores })
    return reply.code(404).send({ detail: `there is no ${key.slice(0, 200)} here` })
  })
  app.post<{ Body: Static<typeof PresentBody> }>(
    '/dvc/:store/present',
    {
      schema: { hide: true, body: PresentBody },
      bodyLimit: PRESENT_BYTES_MAX,
      config: { wants: 'read' },
    },
    async (request) => ({
      present: await datastores.presentObjects(storeFor(request), request.body.keys),
    }),
  )
  app.delete('/dvc/:store/*', { config: { wants: 'write' } }, async (request, reply) => {
    const key = keyOf(request)
    if (await datastores.removeObject(storeFor(request), key)) return reply.code(204).send()
    return reply.code(404).send({ detail: `there is no ${key.slice(0, 200)} here` })
  })
  await app.register(async (raw) => {
    raw.removeAllContentTypeParsers()
    raw.addContentTypeParser('*', (_request, _body, done) => done(null))
    raw.route({
      method: ['POST', 'PUT'],
      url: '/dvc/:store/*',
      bodyLimit: Number.MAX_SAFE_INTEGER,
      config: { wants: 'write' },
      handler: async (request, reply) => {
        const kept = await received(request, parts.uploadSilenceMs, (arriving) =>
          datastores.putObject(storeFor(request), keyOf(request), arriving),
        )
        return reply.code(kept === 'new' ? 201 : 200).send()
      },
    })
  })
}

function keyOf({ params }: FastifyRequest): string {
  return (params as { '*': string })['*']
}

/** Tells what went wrong in the words that `orrery` shows; `dvc` shows the status. A problem is never an absent object. */
function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const { status, message, headers, problem, isFault } = failureOf(error, request.id)
    if (isFault)
      request.log.error({ error: messageOf(error), request: request.id }, 'unexpected failure')
    if (status === 401) void reply.header('www-authenticate', 'Basic realm="data store", Bearer')
    return reply
      .code(status)
      .headers({ ...headers, 'x-orrery-problem': problem?.code ?? 'invalid' })
      .type('application/problem+json')
      .send({ title: problem?.code ?? 'invalid', status, detail: message, request: request.id })
  })
}
