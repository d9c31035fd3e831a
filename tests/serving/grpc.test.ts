import { credentials, loadPackageDefinition, type Client, type ServiceError } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGrpc, type GrpcServer } from '#app/listening/grpc'
import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Repository } from '#inference'
import { openInferenceServices } from '#protocols/open-inference/grpc'
import { openInferenceProtocol } from '#protocols/open-inference/index'
import Fastify, { type FastifyInstance } from 'fastify'
import { fixtureModels, openServing, serveModel, type ServingWorld } from '../support/serving.ts'

const ROOT = join(import.meta.dirname, '..', '..', 'src')

let world: ServingWorld
let grpc: GrpcServer
let http: FastifyInstance
/** What the repository was asked for. */
const asked: unknown[] = []

const repository: Repository = {
  index: async () => [
    { name: 'wide', version: 1, state: 'ready', reason: null },
    { name: 'late', version: null, state: 'undeployed', reason: 'it has no version yet' },
    { name: 'old', version: 3, state: 'unloaded', reason: null },
  ],
  load: async (endpoint, options) => {
    if (endpoint === 'none') throw new Problem('not-found', 'there is no model none')
    if (endpoint === 'busy') throw new Problem('unavailable', 'not now', { retryAfterMs: 2500 })
    asked.push(['load', endpoint, options])
  },
  unload: async (endpoint) => void asked.push(['unload', endpoint]),
  remove: async () => undefined,
}

beforeAll(async () => {
  const models = fixtureModels()
  for (const name of ['wide', 'loop']) models.set(name, 1, name)
  world = await openServing({ models: models.source, timeoutMs: 10_000 })
  await world.plane.complete()
  for (const name of ['wide', 'loop']) await serveModel(world, name)
  grpc = await started()
  http = Fastify()
  await openInferenceProtocol(http, {
    inference: world.plane,
    repository,
    version: '0',
    bodyBytesMax: 1e6,
  })
})
afterAll(async () => {
  await grpc.stop(100)
  await http.close()
  await world.close()
})

test('a stop answers what is open, ends what only watches, and takes nothing new', async () => {
  const own = await started()
  const calls = clientOf(own, 'inference.GRPCInferenceService')
  const health = clientOf(own, 'grpc.health.v1.Health')
  const watched = Promise.withResolvers<string[]>()
  const seen: string[] = []
  const watch = health.stream('Watch', { service: '' })
  watch.on('data', ({ status }: { status: string }) => seen.push(status))
  watch.on('end', () => watched.resolve(seen))
  const open = calls.call('ModelInfer', rounds(300_000))
  await health.call('Check', {})
  const stopped = own.stop(60_000)
  expect(await open).toMatchObject({ model_name: 'loop', outputs: [{ name: 'counts' }] })
  await stopped
  expect(await watched.promise).toEqual(['SERVING', 'NOT_SERVING'])
  await expect(calls.call('ServerLive', {})).rejects.toMatchObject({ code: 14 })
})

test('a stop ends what takes too long', async () => {
  const own = await started()
  const calls = clientOf(own, 'inference.GRPCInferenceService')
  const open = calls
    .call('ModelInfer', rounds(200_000_000))
    .catch((error: ServiceError) => error.code)
  await calls.call('ServerLive', {})
  await own.stop(100)
  expect([1, 14]).toContain(await open)
})

test('the repository is listed, loaded and let go over both transports', async () => {
  const calls = clientOf(grpc, 'inference.GRPCInferenceService')
  const mlserver = clientOf(grpc, 'inference.model_repository.ModelRepositoryService')
  const models = [
    { name: 'wide', version: '1', state: 'READY', reason: '' },
    { name: 'late', version: '', state: 'UNAVAILABLE', reason: 'it has no version yet' },
    { name: 'old', version: '3', state: 'UNAVAILABLE', reason: 'unloaded' },
  ]
  expect(await calls.call('RepositoryIndex', {})).toEqual({ models })
  expect(await mlserver.call('RepositoryIndex', { ready: true })).toEqual({ models: [models[0]] })
  expect((await post('/repository/index')).json()).toEqual(models)
  expect((await post('/repository/index', { ready: true })).json()).toEqual([models[0]])

  const config = JSON.stringify({ model: 'models:/late@champion' })
  const text = (string_param: string) => ({ string_param })
  await calls.call('RepositoryModelLoad', {
    model_name: 'late',
    parameters: { config: text(config) },
  })
  await mlserver.call('RepositoryModelLoad', { model_name: 'late' })
  await calls.call('RepositoryModelUnload', { model_name: 'late' })
  await post('/repository/models/late/load', { parameters: { model: 'models:/late/3' } })
  await post('/repository/models/late/load')
  await post('/repository/models/late/unload', { parameters: { unload_dependents: true } })
  expect(asked).toEqual([
    ['load', 'late', { model: 'models:/late@champion' }],
    ['load', 'late', {}],
    ['unload', 'late'],
    ['load', 'late', { model: 'models:/late/3' }],
    ['load', 'late', {}],
    ['unload', 'late'],
  ])
})

test('a refusal that passes says in how many seconds', async () => {
  const load = (model_name: string) =>
    clientOf(grpc, 'inference.GRPCInferenceService')
      .call('RepositoryModelLoad', { model_name })
      .catch((error: ServiceError) => [error.code, error.metadata.get('retry-after')])
  expect(await load('busy')).toEqual([14, ['3']])
  expect(await load('none')).toEqual([5, []])
})

test('a load that says what is not the server’s to say is refused', async () => {
  const calls = clientOf(grpc, 'inference.GRPCInferenceService')
  const refused = [
    { config: '{"max_batch_size": 8}' },
    { config: 'not json' },
    { model: 'file:///etc/passwd' },
    { 'file:1/model.onnx': 'AAAA' },
  ]
  for (const parameters of refused) {
    const answer = await post('/repository/models/late/load', { parameters })
    expect([parameters, answer.statusCode, typeof answer.json().error]).toEqual([
      parameters,
      400,
      'string',
    ])
    const named = Object.fromEntries(
      Object.entries(parameters).map(([key, value]) => [key, { string_param: value }]),
    )
    await expect(
      calls.call('RepositoryModelLoad', { model_name: 'late', parameters: named }),
    ).rejects.toMatchObject({ code: 3 })
  }
  expect((await post('/repository/models/none/load')).statusCode).toBe(404)
  await expect(calls.call('RepositoryModelLoad', { model_name: 'none' })).rejects.toMatchObject({
    code: 5,
    details: 'there is no model none',
  })
})

test('a port that is taken is told with what to do', async () => {
  await expect(started(grpc.port)).rejects.toThrow(/cannot listen for gRPC.*set another grpcPort/)
})

function started(port = 0): Promise<GrpcServer> {
  const inference = world.plane
  return startGrpc(
    { clock: systemClock, logger: pino({ level: 'silent' }) },
    {
      services: openInferenceServices({ inference, repository, version: '0' }),
      host: '127.0.0.1',
      port,
      messageBytesMax: 64 * 1024 * 1024,
      isReady: () => inference.readiness().ready,
    },
  )
}

/** As slow as it has rounds. */
function rounds(count: number) {
  const contents = { int64_contents: [count] }
  return {
    model_name: 'loop',
    inputs: [{ name: 'rounds', datatype: 'INT64', shape: [1, 1], contents }],
  }
}

function clientOf({ port }: GrpcServer, name: string) {
  const folder = name.startsWith('grpc.') ? 'app/listening' : 'protocols/open-inference'
  const file = name.startsWith('grpc.')
    ? 'health.proto'
    : name.endsWith('ModelRepositoryService')
      ? 'model_repository.proto'
      : 'open_inference.proto'
  const definitions = loadSync(file, {
    includeDirs: [join(ROOT, folder)],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
  })
  let found: unknown = loadPackageDefinition(definitions)
  for (const part of name.split('.')) found = (found as Record<string, unknown>)[part]
  const Service = found as new (
    address: string,
    how: unknown,
  ) => Client & Record<string, (...args: unknown[]) => unknown>
  const client = new Service(`127.0.0.1:${port}`, credentials.createInsecure())
  return {
    call: (method: string, request: object) =>
      new Promise<unknown>((resolve, reject) => {
        client[method]?.(request, (error: ServiceError | null, answer: unknown) =>
          error === null ? resolve(answer) : reject(error),
        )
      }),
    stream: (method: string, request: object) => client[method]?.(request) as NodeJS.ReadableStream,
  }
}

function post(url: string, body?: object) {
  return http.inject({ method: 'POST', url, ...(body === undefined ? {} : { payload: body }) })
}
