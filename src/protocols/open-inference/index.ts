import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { promisify } from 'node:util'
import { gunzip, gzip, inflate } from 'node:zlib'
import { messageOf, Problem } from '#base/problem'
import type { Inference, TensorSpec } from '#inference'
import { datatypeOf } from './datatypes.ts'
import { answerFailures } from './errors.ts'
import { inferRequestIn } from './request.ts'
import { checkOutputs, inferResponseOf } from './response.ts'

/** Smaller answers gain nothing from being compressed. */
const COMPRESSED_BYTES_MIN = 4096

interface ModelPath {
  Params: { model: string; version?: string }
}

/** The Open Inference Protocol over HTTP, with the binary tensor extension. A model is an endpoint here. */
export async function openInferenceProtocol(
  app: FastifyInstance,
  parts: { inference: Inference; version: string; bodyBytesMax: number },
): Promise<void> {
  const { inference, version } = parts
  answerFailures(app)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer) =>
    inflated(body, request.headers['content-encoding'], parts.bodyBytesMax),
  )

  app.get('/', async () => ({ name: 'orrery', version, extensions: ['binary_tensor_data'] }))
  app.get('/health/live', async () => ({ live: true }))
  app.get('/health/ready', async (_, reply) => {
    const { ready } = inference.readiness()
    return reply.code(ready ? 200 : 503).send({ ready })
  })
  for (const path of ['/models/:model', '/models/:model/versions/:version']) {
    app.get<ModelPath>(path, async ({ params }) => metadataOf(inference, params))
    app.get<ModelPath>(`${path}/ready`, async ({ params }) => {
      await served(inference, params)
      return { name: params.model, ready: true }
    })
    app.post<ModelPath>(`${path}/infer`, async (request, reply) => infer(inference, request, reply))
  }
}

/** What answers under this name now. Throws `not-found` when another version is asked for. */
async function served(inference: Inference, { model, version }: ModelPath['Params']) {
  const found = await inference.describe(model)
  const live = String(found.revision.version)
  if (version !== undefined && version !== live)
    throw new Problem('not-found', `endpoint ${model} serves version ${live}, not ${version}`)
  return { ...found, live }
}

async function metadataOf(inference: Inference, params: ModelPath['Params']) {
  const { shape, live, revision } = await served(inference, params)
  return {
    name: params.model,
    versions: [live],
    platform: 'onnx_onnxv1',
    inputs: shape.inputs.map(tensorToWire),
    outputs: shape.outputs.map(tensorToWire),
    properties: { model: revision.model, revision: String(revision.number) },
  }
}

function tensorToWire({ name, type, shape }: TensorSpec) {
  return { name, datatype: datatypeOf(type), shape: shape.map((size) => size ?? -1) }
}

async function infer(
  inference: Inference,
  request: FastifyRequest<ModelPath>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { params, headers } = request
  const { shape } = await served(inference, params)
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const read = inferRequestIn(body, textOf(headers['inference-header-content-length']))
  checkOutputs(
    read,
    shape.outputs.map(({ name }) => name),
  )
  const id = read.id ?? textOf(headers['x-request-id'])
  const answer = await inference.predict(params.model, {
    input: { form: 'tensors', tensors: read.inputs },
    ...(id === undefined ? {} : { id }),
  })
  const version = answer.modelVersion.slice(answer.modelVersion.lastIndexOf('/') + 1)
  const response = inferResponseOf({ name: params.model, version }, read, answer)
  void reply.headers({
    'x-request-id': answer.batch,
    'x-prediction-id': answer.batch,
    'x-model-version': answer.modelVersion,
    'x-revision': String(answer.revision),
  })
  if (response.headerLength === undefined) void reply.type('application/json')
  else
    void reply
      .type('application/octet-stream')
      .header('inference-header-content-length', String(response.headerLength))
  return reply.send(await compressed(response.body, textOf(headers['accept-encoding']), reply))
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

async function inflated(body: Buffer, encoding: string | undefined, bytesMax: number) {
  if (encoding === undefined || encoding === 'identity') return body
  const inflater = { gzip: gunzip, deflate: inflate }[encoding]
  if (inflater === undefined)
    throw new Problem('invalid', `the body is encoded as ${encoding}; send gzip, deflate or plain`)
  try {
    return await promisify<Buffer, { maxOutputLength: number }, Buffer>(inflater)(body, {
      maxOutputLength: bytesMax,
    })
  } catch (error) {
    throw new Problem('invalid', `the body cannot be inflated: ${messageOf(error)}`)
  }
}

async function compressed(
  body: Buffer,
  accepted: string | undefined,
  reply: FastifyReply,
): Promise<Buffer> {
  if (body.length < COMPRESSED_BYTES_MIN || !/\bgzip\b/.test(accepted ?? '')) return body
  void reply.header('content-encoding', 'gzip').header('vary', 'accept-encoding')
  return promisify<Buffer, { level: number }, Buffer>(gzip)(body, { level: 1 })
}
