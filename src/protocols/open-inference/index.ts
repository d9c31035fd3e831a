import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { goneSignal } from '#base/gone'
import { inflated } from '#base/inflate'
import { Problem } from '#base/problem'
import type { Repository } from '#inference'
import type { Answering } from './ask.ts'
import { answerFailures } from './errors.ts'
import {
  described,
  modelConfig,
  modelMetadata,
  modelStatistics,
  serverMetadata,
} from './metadata.ts'
import { inferred } from './infer.ts'
import { loadOptionsIn, repositoryIndex } from './repository.ts'
import { dictionaryIn, parametersIn, type Parameters } from './request.ts'

interface ModelPath {
  Params: { model: string; version?: string }
}

interface Parts extends Answering {
  /** Without it models are neither listed nor loaded over this protocol. */
  readonly repository?: Repository | undefined
  readonly version: string
  readonly bodyBytesMax: number
}

export { directInfer } from './infer.ts'

/** The Open Inference Protocol over HTTP, with Triton's extensions. A model is an endpoint here. */
export async function openInferenceProtocol(app: FastifyInstance, parts: Parts): Promise<void> {
  answerFailures(app)
  app.removeAllContentTypeParsers()
  // Whatever a body says that it is: clients say all kinds of things, and some that are no type.
  app.addHook('onRequest', (request, _, done) => {
    request.raw.headers['content-type'] = 'application/octet-stream'
    done()
  })
  app.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer) =>
      inflated(body, request.headers['content-encoding'], parts.bodyBytesMax, 'invalid'),
  )
  serverRoutes(app, parts)
  modelRoutes(app, parts)
  if (parts.repository !== undefined) repositoryRoutes(app, parts.repository)
  missingRoutes(app)
}

function serverRoutes(app: FastifyInstance, { inference, repository, version }: Parts): void {
  app.get('/', async () => serverMetadata(version, repository !== undefined))
  app.get('/health/live', async () => ({ live: true }))
  app.get('/health/ready', async (_, reply) => {
    const { ready } = inference.readiness()
    return reply.code(ready ? 200 : 503).send({ ready })
  })
  app.get('/models/stats', async () => modelStatistics(inference))
}

function modelRoutes(app: FastifyInstance, parts: Parts): void {
  const { inference } = parts
  for (const path of ['/models/:model', '/models/:model/versions/:version']) {
    app.get<ModelPath>(path, async ({ params }) =>
      modelMetadata(params.model, await described(inference, params)),
    )
    app.get<ModelPath>(`${path}/ready`, async ({ params }) => {
      await described(inference, params)
      return { name: params.model, ready: true }
    })
    app.get<ModelPath>(`${path}/config`, async ({ params }) =>
      modelConfig(params.model, await described(inference, params)),
    )
    app.get<ModelPath>(`${path}/stats`, async ({ params }) => modelStatistics(inference, params))
    app.post<ModelPath>(`${path}/infer`, async (request, reply) => infer(parts, request, reply))
  }
}

function repositoryRoutes(app: FastifyInstance, repository: Repository): void {
  for (const root of ['/repository', '/repository/:repository']) {
    app.post(`${root}/index`, async (request) =>
      repositoryIndex(repository, objectIn(request)['ready'] === true),
    )
    app.post<ModelPath>(`${root}/models/:model/load`, async (request, reply) => {
      const parameters = parametersIn(objectIn(request)['parameters'], 'the request')
      await repository.load(request.params.model, loadOptionsIn(parameters))
      return reply.send()
    })
    app.post<ModelPath>(`${root}/models/:model/unload`, async (request, reply) => {
      // Nothing depends on a model here, so that its dependents may be named or not.
      objectIn(request)
      await repository.unload(request.params.model)
      return reply.send()
    })
  }
}

/** Extensions that clients have calls for, and that no server of this kind could grant. */
const MISSING = {
  systemsharedmemory: 'tensors are sent with the request here and not in shared memory',
  cudasharedmemory: 'tensors are sent with the request here and not in shared memory',
  trace: 'every prediction is in the log of its endpoint; there are no other traces',
  logging: 'what is logged is a setting of the server (logLevel)',
}

function missingRoutes(app: FastifyInstance): void {
  for (const [name, why] of Object.entries(MISSING))
    for (const path of [`/${name}`, `/${name}/*`, `/models/:model/${name}/*`])
      app.all(path, async () => {
        throw new Problem('not-found', why)
      })
}

async function infer(
  parts: Answering,
  request: FastifyRequest<ModelPath>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { headers, body } = await inferred(parts, request.params, {
    headers: request.headers,
    body: bodyOf(request),
    gone: () => goneSignal(reply.raw),
    onAnswer: (made) => void reply.headers(made),
  })
  void reply.headers(headers)
  // A text leaves together with its head, in one write; Fastify would add to its type.
  return typeof body === 'string' ? reply.serializer(asItIs).send(body) : reply.send(body)
}

function asItIs(text: unknown): string {
  return text as string
}

function bodyOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}

/** The JSON object that a request may bring or not. */
function objectIn(request: FastifyRequest): Parameters {
  const body = bodyOf(request)
  return body.length === 0 ? {} : dictionaryIn(body)
}
