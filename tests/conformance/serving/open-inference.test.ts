import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrpcServer } from '#app/listening/grpc'
import { openInferenceServices } from '#protocols/open-inference/grpc'
import { runPython } from '../../support/python.ts'
import {
  fixtureModels,
  openServing,
  serveModel,
  startTestGrpc,
  type ServingWorld,
} from '../../support/serving.ts'

const BYTES_MAX = 80 * 1024 * 1024

let world: ServingWorld
let grpc: GrpcServer
let addresses: Record<string, string>

beforeAll(async () => {
  const models = fixtureModels()
  const names = ['kinds', 'wide', 'half', 'texts', 'matrix', 'loop']
  for (const name of names) models.set(name, 1, name)
  world = await openServing({ models: models.source, timeoutMs: 5000 })
  for (const name of names) await serveModel(world, name)
  const inference = world.plane
  await inference.complete()
  grpc = await startTestGrpc(world, openInferenceServices({ inference, version: '0' }), BYTES_MAX)
  const url = await world.http.listen({ host: '127.0.0.1', port: 0 })
  addresses = { ORRERY_URL: url, ORRERY_GRPC: `127.0.0.1:${grpc.port}` }
})
afterAll(async () => {
  await grpc.stop(1000)
  await world.close()
})

test('every type of tensor comes back bit for bit, over HTTP and gRPC, in every encoding', async () => {
  expect(await runPython(script('kinds'), addresses)).toEqual({
    'http binary': [],
    'http json': [],
    'http compressed': [],
    'http empty': [],
    'http empty json': [],
    'grpc raw': [],
    'grpc gzip': [],
    'grpc deflate': [],
    'grpc empty': [],
    'grpc typed': [],
    half: [true, true, true],
    brain: [true, true],
  })
})

test('Triton’s gRPC client and those of health and reflection get what they ask for', async () => {
  const seen = (await runPython(script('triton_grpc'), addresses)) as Record<string, unknown>
  expect(seen).toEqual({
    live: true,
    ready: [true, true, true],
    server: {
      name: 'orrery',
      version: '0',
      extensions: expect.arrayContaining(['binary_tensor_data', 'statistics']),
    },
    metadata: {
      name: 'matrix',
      versions: ['1'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'X', datatype: 'FP32', shape: ['-1', '4'] }],
      outputs: [
        { name: 'label', datatype: 'INT64', shape: ['-1'] },
        { name: 'probabilities', datatype: 'FP32', shape: ['-1', '3'] },
      ],
    },
    config: {
      backend: 'onnxruntime',
      input: [{ name: 'X', data_type: 'TYPE_FP32', dims: ['-1', '4'] }],
      version_policy: { specific: { versions: ['1'] } },
    },
    statistics: ['matrix', '1', true],
    stream: Array.from({ length: 10 }, (_, index) => (index === 3 ? null : `stream-${index}`)),
    async: true,
    big: true,
    headers: {
      'x-request-id': 'by-metadata-1',
      'x-prediction-id': 'by-metadata-1',
      'x-model-version': 'matrix/1',
      'x-revision': '1',
      'x-route': ':1:',
    },
    classes: [2, '2'],
    codes: {
      'unknown model': 'NOT_FOUND',
      'unknown version': 'NOT_FOUND',
      "unknown model's readiness": 'NOT_FOUND',
      'missing input': 'INVALID_ARGUMENT',
      'wrong shape': 'INVALID_ARGUMENT',
      'wrong type': 'INVALID_ARGUMENT',
      'unknown output': 'INVALID_ARGUMENT',
      'raw and typed': 'INVALID_ARGUMENT',
      sequence: 'INVALID_ARGUMENT',
      "caller's deadline": 'DEADLINE_EXCEEDED',
      'parameter timeout': 'DEADLINE_EXCEEDED',
      'no message': 'INVALID_ARGUMENT',
      'too large': 'RESOURCE_EXHAUSTED',
      'too large when inflated': 'RESOURCE_EXHAUSTED',
      'shared memory': 'UNIMPLEMENTED',
    },
    health: [1, 1, 'NOT_FOUND', 1],
    services: expect.arrayContaining(['grpc.health.v1.Health', 'inference.GRPCInferenceService']),
    reflected: 'inference',
  })
})

test('Triton’s HTTP clients get the extensions, and why others are not there', async () => {
  expect(await runPython(script('triton_http'), addresses)).toEqual({
    aio: true,
    async: true,
    classes: [[1, 2], '2'],
    config: 'onnxruntime',
    statistics: ['matrix', true],
    'all statistics': true,
    refused: {
      'system memory': ['404', expect.stringContaining('tensors are sent with the request')],
      'cuda memory': ['404', expect.stringContaining('tensors are sent with the request')],
      trace: ['404', expect.stringContaining('every prediction is in the log')],
      logging: ['404', expect.stringContaining('what is logged is a setting')],
      sequence: ['400', expect.stringContaining('nothing is kept between')],
      shape: ['400', expect.stringContaining('input X has the shape')],
    },
  })
})

function script(name: string): string {
  return readFileSync(join(import.meta.dirname, 'scripts', `${name}.py`), 'utf8')
}
