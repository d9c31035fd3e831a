import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runPython } from '../../support/python.ts'
import { fixtureModels, openServing, serveModel, type ServingWorld } from '../../support/serving.ts'

const MODELS = join(import.meta.dirname, '..', '..', 'fixtures', 'models')
let world: ServingWorld
let url: string

beforeAll(async () => {
  const models = fixtureModels()
  models.set('late', 1, 'flights')
  world = await openServing({ models: models.source })
  await serveModel(world, 'late')
  url = await world.http.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => world.close())

test('Triton’s client gets what ONNX Runtime gives, bit for bit, in every encoding', async () => {
  const seen = await runPython(script('triton'), {
    ORRERY_URL: url,
    ORRERY_MODEL: join(MODELS, 'flights.onnx'),
  })
  expect(seen).toEqual({
    live: true,
    ready: [true, true, true, false, false],
    extensions: expect.arrayContaining(['binary_tensor_data', 'statistics']),
    inputs: [
      { name: 'carrier', datatype: 'BYTES', shape: [-1, 1] },
      { name: 'hour', datatype: 'FP32', shape: [-1, 1] },
      { name: 'distance', datatype: 'FP32', shape: [-1, 1] },
    ],
    exact: { binary: true, json: true, mixed: true, gzip: true, deflate: true },
    id: 'triton-1',
    refused: ['400', '404', '404'],
  })
  const found = await world.log.find('triton-1-1')
  expect(found?.inputs).toMatchObject({ carrier: 'B6', id: String(2n ** 53n + 1n) })
})

function script(name: string): string {
  return readFileSync(join(import.meta.dirname, 'scripts', `${name}.py`), 'utf8')
}
