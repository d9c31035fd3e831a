import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mountPredictionProtocols } from '#app/plane/protocols'
import { torchServeProtocol } from '#protocols/torchserve/index'
import {
  fixtureModels,
  LOCAL,
  openServing,
  serveModel,
  type ServingWorld,
} from '../../support/serving.ts'

let world: ServingWorld
let http: FastifyInstance
let url: string

beforeAll(async () => {
  const models = fixtureModels()
  models.set('half', 1, 'half-plus-two')
  models.set('half', 2, 'half-plus-two')
  models.set('late', 1, 'flights')
  models.set('iris', 1, 'matrix')
  models.set('echo', 1, 'echo')
  world = await openServing({ models: models.source })
  for (const name of ['half', 'late', 'iris', 'echo'])
    // What a project declares, only its orrery.yaml changes.
    await serveModel(world, name, { project: name === 'late' ? 'example' : '' })
  await world.plane.complete()
  http = Fastify()
  await http.register((app) =>
    torchServeProtocol(app, {
      inference: world.plane,
      version: '0',
      repository: world.serving.repository(LOCAL),
    }),
  )
  url = await http.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await http.close()
  await world.close()
})

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${url}${path}`, init)
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    headers: response.headers,
    text: await response.text(),
  }
}

const post = (body: RequestInit['body'], type?: string): RequestInit => ({
  method: 'POST',
  body: body ?? null,
  ...(type === undefined ? {} : { headers: { 'content-type': type } }),
})

test('ping and OPTIONS say what TorchServe says', async () => {
  expect((await ask('/ping')).text).toBe('{"status":"Healthy"}')
  expect((await ask('/torchserve/ping')).text).toBe('{"status":"Healthy"}')
  const described = JSON.parse((await ask('/', { method: 'OPTIONS' })).text)
  expect(Object.keys(described.paths)).toContain('/predictions/{model_name}')
})

test('a row gets its answer, however it is sent', async () => {
  const row = { carrier: 'AA', hour: 15, distance: 900 }
  const json = JSON.stringify(row)
  const form = new FormData()
  form.append('data', new Blob([json]), 'row.json')
  const fields = new FormData()
  for (const [name, value] of Object.entries(row)) fields.append(name, String(value))
  const sent: RequestInit[] = [
    post(json, 'application/json'),
    post(json, 'application/x-www-form-urlencoded'),
    post(json, 'text/plain'),
    post(JSON.stringify({ data: row }), 'application/json'),
    post('["AA", 15, 900]', 'application/json'),
    post(`data=${encodeURIComponent(json)}`, 'application/x-www-form-urlencoded'),
    post(form),
    post(fields),
    { ...post(json), method: 'PUT' },
  ]
  for (const init of sent) {
    const answer = await ask('/predictions/late', init)
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      200,
      { label: 1, probabilities: [expect.closeTo(0.294, 3), expect.closeTo(0.706, 3)] },
    ])
    expect(answer.headers.get('x-request-id')).toBe(answer.headers.get('x-prediction-id'))
  }
  const query = await ask(`/predictions/late?data=${encodeURIComponent(json)}`)
  expect(JSON.parse(query.text)).toMatchObject({ label: 1 })
})

test('a list of rows gets a list, and KServe’s envelope gets predictions', async () => {
  const rows = '[[1, 2, 3, 4.5], [1, 2, 3, 4.5]]'
  const list = await ask('/predictions/iris', post(rows, 'application/json'))
  expect(JSON.parse(list.text)).toMatchObject([{ label: 2 }, { label: 2 }])
  const one = await ask('/predictions/iris/1.0', post('[1, 2, 3, 4.5]', 'application/json'))
  expect(JSON.parse(one.text)).toMatchObject({ label: 2 })
  const kserve = await ask('/predictions/half', post('{"instances": [1, 2]}', 'application/json'))
  expect(kserve.text).toBe('{\n  "predictions": [\n    2.5,\n    3\n  ]\n}')
  expect((await ask('/predictions/half', post('1', 'text/plain'))).text).toBe('2.5')
})

test('failures have a code, a type and a message', async () => {
  const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0xd8])
  const cases: [string, RequestInit, number, string, RegExp][] = [
    ['/predictions/nope', post('1'), 404, 'ModelNotFoundException', /Model not found: nope/],
    ['/predictions/half/9', post('1'), 404, 'ModelVersionNotFoundException', /version: 9 does not/],
    ['/predictions/half/x', post('1'), 404, 'ModelVersionNotFoundException', /whole numbers/],
    ['/predictions/late', post(''), 400, 'BadRequestException', /no body/],
    ['/predictions/late', post(png, 'image/png'), 400, 'BadRequestException', /no handler decodes/],
    ['/predictions/late', post('{', 'application/json'), 400, 'BadRequestException', /valid JSON/],
    [
      '/predictions/late',
      post('hello'),
      400,
      'BadRequestException',
      /cannot become the model’s|model's inputs/,
    ],
    ['/predictions/late', post('{}'), 400, 'BadRequestException', /without keys/],
    ['/predictions/late', post('[]'), 400, 'BadRequestException', /empty list/],
    [
      '/predictions/late',
      post('{"carrier":"AA"}'),
      400,
      'BadRequestException',
      /missing the named input/,
    ],
    ['/predictions/late', post('{"other":"AA"}'), 400, 'BadRequestException', /named input: other/],
    [
      '/predictions/half',
      post(`${'['.repeat(9999)}${']'.repeat(9999)}`),
      400,
      'BadRequestException',
      /deep/,
    ],
    [
      '/predictions/late',
      post('x', 'multipart/form-data'),
      400,
      'BadRequestException',
      /form cannot be read/,
    ],
    ['/explanations/late', post('{}'), 501, 'NotImplementedException', /no explanations/],
    ['/torchserve/dance', {}, 404, 'ResourceNotFoundException', /OPTIONS/],
    ['/models', { method: 'POST' }, 400, 'BadRequestException', /url is required/],
    ['/models?url=https://here/x.mar', { method: 'POST' }, 400, 'BadRequestException', /\.mar/],
    [
      '/models?url=models:/half/1',
      { method: 'POST' },
      409,
      'ConflictStatusException',
      /already registered/,
    ],
    [
      '/models?url=models:/half/1&model_name=..%2Fx',
      { method: 'POST' },
      400,
      'BadRequestException',
      /name/,
    ],
    [
      '/models?url=models:/none/1',
      { method: 'POST' },
      404,
      'ModelNotFoundException',
      /means no model version/,
    ],
    ['/models?limit=x', {}, 400, 'BadRequestException', /whole number/],
    ['/models/nope', {}, 404, 'ModelNotFoundException', /nope/],
    ['/models/nope', { method: 'DELETE' }, 404, 'ModelNotFoundException', /nope/],
    [
      '/models/late/2/set-default',
      { method: 'PUT' },
      409,
      'ConflictStatusException',
      /declared by the project example/,
    ],
    [
      '/models/half?min_worker=2&max_worker=1',
      { method: 'PUT' },
      400,
      'BadRequestException',
      /less/,
    ],
  ]
  for (const [path, init, code, type, message] of cases) {
    const answer = await ask(path, init)
    expect([path, answer.status, JSON.parse(answer.text)]).toEqual([
      path,
      code,
      { code, type, message: expect.stringMatching(message) },
    ])
  }
})

test('models are listed by pages, described with what answers, and changed by declaring them', async () => {
  expect(JSON.parse((await ask('/models?limit=2')).text)).toEqual({
    nextPageToken: '2',
    models: [
      { modelName: 'echo', modelUrl: 'models:/echo/1' },
      { modelName: 'half', modelUrl: 'models:/half/1' },
    ],
  })
  const [half] = JSON.parse((await ask('/torchserve/models/half')).text)
  expect(half).toMatchObject({
    modelName: 'half',
    modelVersion: '1',
    modelUrl: 'models:/half/1',
    minWorkers: 1,
    workers: [{ id: '1', status: 'READY', gpu: false }],
  })
  const put = { method: 'PUT' }
  const moved = await ask('/models/half/2.0/set-default', put)
  expect([moved.status, JSON.parse(moved.text)]).toEqual([
    200,
    { status: 'Default version successfully updated for model "half" to "2"' },
  ])
  const after = await ask('/predictions/half', post('[1]', 'application/json'))
  expect(after.headers.get('x-model-version')).toBe('half/2')
  const registered = await ask('/models?url=models:/half/1&model_name=second', { method: 'POST' })
  expect(JSON.parse(registered.text).status).toBe(
    'Model "second" Version: 1 registered with 1 initial workers',
  )
  expect((await ask('/models/half?min_worker=0', put)).status).toBe(200)
  expect((await ask('/models/half?min_worker=1', put)).status).toBe(200)
  expect((await ask('/models/late', { method: 'DELETE' })).status).toBe(409)
  expect(JSON.parse((await ask('/models/half', { method: 'DELETE' })).text)).toEqual({
    status: 'Model "half" unregistered',
  })
  expect((await ask('/predictions/half', post('1'))).status).toBe(404)
  const told = await world.ledger.list({ after: -1, limit: 100, types: ['endpoint-removed'] })
  expect(told).toHaveLength(1)
})

test('beside SageMaker’s calls for many models, those of TorchServe are under /torchserve', async () => {
  const both = Fastify()
  await mountPredictionProtocols(both, {
    inference: world.plane,
    repository: world.serving.repository(LOCAL),
    multiModel: true,
    version: '0',
    bodyBytesMax: 1_000_000,
  })
  const json = async (path: string) => (await both.inject(path)).json()
  expect(await json('/models/late')).toMatchObject({ modelName: 'late' })
  expect(await json('/torchserve/models/late')).toMatchObject([{ modelName: 'late' }])
  expect(await json('/ping')).toEqual({ status: 'Healthy' })
  await both.close()
})
