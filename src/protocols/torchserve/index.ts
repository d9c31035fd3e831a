import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inflated } from '#base/inflate'
import { goneSignal } from '#base/gone'
import { Problem } from '#base/problem'
import { askedAlone, type Explain } from '#explanations'
import {
  answerHeaders,
  contextIn,
  type Inference,
  type PredictionRequest,
  type Repository,
} from '#inference'
import { itemIn, itemOfQuery } from './body.ts'
import { answerFailures, ofModel, problemOfType, versionIn } from './errors.ts'
import { managementRoutes } from './management.ts'
import { openApi } from './openapi.ts'
import { askedIn } from './request.ts'
import { answerText } from './response.ts'

interface Parts {
  readonly inference: Inference
  readonly version: string
  readonly repository?: Repository
  readonly explanations?: Explain
}

interface ModelPath {
  Params: { model: string; version?: string }
}

/**
 * TorchServe's predictions and its management of models. Everything is under /torchserve; at the root is what no other
 * protocol has put there before, which is why this one comes last.
 */
export async function torchServeProtocol(app: FastifyInstance, parts: Parts): Promise<void> {
  const isFree = !app.hasRoute({ method: 'GET', url: '/models' })
  const pings = !app.hasRoute({ method: 'GET', url: '/ping' })
  await app.register(async (root) => {
    prepare(root)
    predictionRoutes(root, parts)
    if (pings) pingRoute(root, parts)
    if (isFree) managementRoutes(root, { repository: undefined, ...parts })
  })
  await app.register(
    async (own) => {
      prepare(own)
      own.setNotFoundHandler(({ method, url }) => {
        throw problemOfType(
          'not-found',
          'ResourceNotFoundException',
          `Requested resource is not found: ${method} ${url.split('?', 1)[0]}; OPTIONS /torchserve/ tells what there is`,
        )
      })
      predictionRoutes(own, parts)
      pingRoute(own, parts)
      managementRoutes(own, { repository: undefined, ...parts })
    },
    { prefix: '/torchserve' },
  )
}

function prepare(app: FastifyInstance): void {
  answerFailures(app)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) =>
      inflated(
        body,
        request.headers['content-encoding'],
        app.initialConfig.bodyLimit ?? body.length,
        'invalid',
      ),
  )
}

function pingRoute(app: FastifyInstance, { inference }: Parts): void {
  app.get('/ping', async (_, reply) => {
    const { ready } = inference.readiness()
    return reply.code(ready ? 200 : 500).send({ status: ready ? 'Healthy' : 'Unhealthy' })
  })
}

function predictionRoutes(app: FastifyInstance, parts: Parts): void {
  app.options('/', async () => openApi(parts.version))
  for (const url of ['/predictions/:model', '/predictions/:model/:version'])
    app.route<ModelPath>({
      method: ['GET', 'POST', 'PUT'],
      url,
      handler: async (request, reply) => predicted(parts, request, reply),
    })
  for (const url of ['/explanations/:model', '/explanations/:model/:version'])
    app.post<ModelPath>(url, async (request, reply) => explained(parts, request, reply))
}

async function predicted(
  parts: Parts,
  request: FastifyRequest<ModelPath>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { name, version, asked, prediction } = await questionIn(parts, request)
  const answer = await ofModel({ name, version }, () => parts.inference.predict(name, prediction))
  void reply.headers(answerHeaders(answer))
  const { text, isJson } = answerText(answer, asked)
  return reply.type(isJson ? 'application/json' : 'text/plain; charset=utf-8').send(text)
}

async function explained(
  parts: Parts,
  request: FastifyRequest<ModelPath>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { explanations } = parts
  if (explanations === undefined)
    throw new Problem('unsupported', 'there are no explanations here; ask /predictions')
  const { name, version, prediction } = await questionIn(parts, request)
  const why = askedAlone(prediction, goneSignal(reply.raw))
  const explanation = await ofModel({ name, version }, () => explanations.explain(name, why))
  return reply.type('application/json').send(JSON.stringify(explanation))
}

/** What is asked of a model, whichever way. */
async function questionIn({ inference }: Parts, request: FastifyRequest<ModelPath>) {
  const { model: name } = request.params
  const version = versionIn(name, request.params.version)
  const pin = version === undefined ? undefined : ({ by: 'version', version } as const)
  const takes = await ofModel({ name, version }, () => inference.describe(name, pin))
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const item =
    request.method === 'GET'
      ? itemOfQuery(request.url)
      : await itemIn(request.headers['content-type'], body)
  const { input, answer } = askedIn(item, takes)
  const prediction: PredictionRequest = {
    ...contextIn(request.headers),
    ...(pin === undefined ? {} : { pin }),
    input,
  }
  return { name, version, asked: answer, prediction }
}
