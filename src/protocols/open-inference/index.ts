import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { goneSignal } from '#base/gone'
import { inflated } from '#base/inflate'
import { Problem } from '#base/problem'
import { answerHeaders, headerIn, type Repository } from '#inference'
import { ask, type Answering } from './ask.ts'
import { compressed } from './compression.ts'
import { answerFailures } from './errors.ts'
import {
  described,
  modelConfig,
  modelMetadata,
  modelStatistics,
  serverMetadata,
} from './metadata.ts'
import { rawRequestIn } from './raw.ts'
import { loadOptionsIn, repositoryIndex } from './repository.ts'
import { dictionaryIn, inferRequestIn, isRaw, parametersIn, type Parameters } from './request.ts'
import { inferResponseOf } from './response.ts'

interface ModelPath {
  Params: { model: string; version?: string }
}

interface Parts extends Answering {
  /** Without it models are neither listed nor loaded over this protocol. */
  readonly repository?: Repository | undefined
  readonly version: string
  readonly bodyBytesMax: number
}

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
  const { params } = request
  const headerLength = headerIn(request.headers, 'inference-header-content-length')
  const body = bodyOf(request)
  const read = isRaw(headerLength)
    ? rawRequestIn(body, (await described(parts.inference, params)).shape)
    : inferRequestIn(body, headerLength)
  const answered = await ask(parts, params, read, {
    headers: request.headers,
    // Hardly anybody asks for what takes long enough to leave meanwhile.
    get signal() {
      return goneSignal(reply.raw)
    },
  })
  // Before the answer is put into words: where it has none, its headers say that it was made.
  void reply.headers(answerHeaders(answered.answer))
  const response = inferResponseOf(params.model, read, answered)
  if (response.headerLength === undefined) void reply.type('application/json')
  else
    void reply
      .type('application/octet-stream')
      .header('inference-header-content-length', String(response.headerLength))
  const accepted = headerIn(request.headers, 'accept-encoding')
  const sent = await compressed(response.body, accepted, reply)
  // A text leaves together with its head, in one write; Fastify would add to its type.
  return typeof sent === 'string' ? reply.serializer(asItIs).send(sent) : reply.send(sent)
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
