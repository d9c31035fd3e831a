import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrpcServer } from '#app/listening/grpc'
import { tfServingGrpcServices } from '#protocols/tf-serving-grpc/index'
import { runPython } from '../../support/python.ts'
import {
  fixtureModels,
  openServing,
  serveModel,
  startTestGrpc,
  type ServingWorld,
} from '../../support/serving.ts'

let world: ServingWorld
let grpc: GrpcServer

beforeAll(async () => {
  const models = fixtureModels()
  models.set('half_plus_two', 1, 'half-plus-two')
  models.set('late', 1, 'flights')
  models.set('echo', 1, 'echo')
  models.set('loop', 1, 'loop')
  world = await openServing({ models: models.source })
  for (const name of ['half_plus_two', 'late', 'echo', 'loop']) await serveModel(world, name)
  await world.plane.complete()
  grpc = await startTestGrpc(world, tfServingGrpcServices({ inference: world.plane }))
})
afterAll(async () => {
  await grpc.stop(1000)
  await world.close()
})

test('TensorFlow Serving’s own messages get answers in its types, lists and codes', async () => {
  const script = readFileSync(join(import.meta.dirname, 'scripts', 'tensorflow_serving.py'), 'utf8')
  const seen = await runPython(script, { ORRERY_GRPC: `127.0.0.1:${grpc.port}` })
  expect(seen).toEqual({
    half: { y: [2.5, 3, 4.5], dtype: 1, dim: [3], spec: ['half_plus_two', 1, 'serving_default'] },
    late: {
      label: [1, expect.any(Number)],
      probabilities: [0.294, 0.706, expect.any(Number), expect.any(Number)],
    },
    filter: ['label'],
    pinned: 1,
    echo: {
      text: ['ä', ''],
      whole: ['9007199254740993', '-9223372036854775808'],
      single: ['nan', '0.1'],
      double: ['-inf', '1e+300'],
      flag: [true, false],
    },
    classes: [
      ['', 0.294],
      ['1', 0.706],
    ],
    regress: [2.5, 2.5],
    several: [3.5],
    metadata: ['carrier:0', 7, [-1, 1]],
    status: [[1, 30, 0]],
    codes: {
      'unknown model': 'NOT_FOUND',
      'unknown version': 'NOT_FOUND',
      'unknown label': 'NOT_FOUND',
      'no model': 'INVALID_ARGUMENT',
      signature: 'INVALID_ARGUMENT',
      'missing input': 'INVALID_ARGUMENT',
      'unknown input': 'INVALID_ARGUMENT',
      'unknown output': 'INVALID_ARGUMENT',
      'wrong type': 'INVALID_ARGUMENT',
      'short content': 'INVALID_ARGUMENT',
      'long list': 'INVALID_ARGUMENT',
      'vast shape': 'INVALID_ARGUMENT',
      'no text': 'INVALID_ARGUMENT',
      'no classifier': 'FAILED_PRECONDITION',
      'no examples': 'INVALID_ARGUMENT',
      field: 'INVALID_ARGUMENT',
      status: 'NOT_FOUND',
      reload: 'UNIMPLEMENTED',
      deadline: 'DEADLINE_EXCEEDED',
    },
  })
})

test('a client that knows nothing but reflection can ask', async () => {
  const script = readFileSync(join(import.meta.dirname, 'scripts', 'reflected.py'), 'utf8')
  expect(await runPython(script, { ORRERY_GRPC: `127.0.0.1:${grpc.port}` })).toEqual([2.5, 3])
})
