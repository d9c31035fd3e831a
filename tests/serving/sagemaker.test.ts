import Fastify, { type FastifyInstance } from 'fastify'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Problem } from '#base/problem'
import type { LocalPlane, LoggedBatch, Repository, SignatureColumn } from '#inference'
import { azureProtocol } from '#protocols/azure/index'
import { askInMlflowForms, mlflowScoringProtocol } from '#protocols/mlflow-scoring/index'
import { sagemakerProtocol } from '#protocols/sagemaker/index'
import { openPlane, type PlacedModel } from '../support/plane.ts'

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'models')
const row = ['AA', '15', '900'].join(',')
const columns = [column('carrier', 'string'), column('hour', 'double'), column('distance', 'long')]

let plane: LocalPlane
let logged: readonly LoggedBatch[]
let http: FastifyInstance
let asked: unknown[]

beforeAll(async () => {
  const models = [model('late', 'flights', columns), model('iris', 'matrix', null)]
  ;({ plane, logged } = await openPlane(models))
  http = Fastify()
  const parts = { inference: plane, askInForms: askInMlflowForms, defaultEndpoint: 'late' }
  await http.register((app) => mlflowScoringProtocol(app, parts), { prefix: '/endpoints' })
  await http.register((app) =>
    sagemakerProtocol(app, { ...parts, repository: repository(), multiModel: true }),
  )
  await http.register((app) => azureProtocol(app, { ...parts, version: '1' }))
})
afterAll(async () => {
  await http.close()
  await plane.stop()
})

test('a container is healthy when it answers', async () => {
  const { statusCode, body } = await http.inject('/ping')
  expect([statusCode, body]).toEqual([200, '{"status":"Healthy"}'])
})

test('rows of CSV need no names, and may have them', async () => {
  for (const body of [
    `${row}\n`,
    `carrier,hour,distance\n${row}\n`,
    `distance,hour,carrier\n900,15,AA`,
  ]) {
    const answer = await invoke(body, { 'content-type': 'text/csv' })
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        predictions: [{ label: 1, probabilities: [expect.any(Number), expect.closeTo(0.706, 3)] }],
      },
    ])
  }
  const plain = await invoke(`${row}\n${row}`, { 'content-type': 'text/csv', accept: 'text/csv' })
  expect([plain.headers['content-type'], plain.body]).toEqual([
    'text/csv',
    expect.stringMatching(/^(1,0\.29\d*,0\.70\d*\n){2}$/),
  ])
  const matrix = await invoke('1,2,3,4.5\n', { 'content-type': 'text/csv' }, '?endpoint=iris')
  expect(matrix.json().predictions[0].label).toBe(2)
  const refused: [string, string, RegExp][] = [
    ['AA,15\n', 'text/csv', /row 0 has 2 values, but the model takes 3/],
    ['', 'text/csv', /no rows/],
    ['carrier,hour,distance\n', 'text/csv', /no rows/],
    [`${row}\n`, 'text/csv; header=present', /no rows/],
    ['carrier,hour,distance\n', 'text/csv; header=absent', /hour in row 0 is "hour"/],
  ]
  for (const [body, type, message] of refused) {
    const answer = await invoke(body, { 'content-type': type })
    expect([answer.statusCode, answer.json().message]).toEqual([
      400,
      expect.stringMatching(message),
    ])
  }
})

test('lines of JSON are rows', async () => {
  const body =
    '{"carrier":"AA","hour":15,"distance":900}\n{"carrier":"B6","hour":8,"distance":300}\n'
  const type = 'application/jsonlines'
  const answer = await invoke(body, { 'content-type': type, accept: type })
  const lines = answer.body.trimEnd().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { label: number }).label)).toHaveLength(2)
  const features = '{"features":[1,2,3,4.5]}\n'
  const other = await invoke(features, { 'content-type': type }, '?endpoint=iris')
  expect(other.json()).toMatchObject({ predictions: { label: [2] } })
  expect((await invoke('{"a"', { 'content-type': type })).statusCode).toBe(400)
})

test('MLflow’s forms of JSON are answered at the root, and bodies of other kinds refused', async () => {
  const body = JSON.stringify({
    dataframe_split: { columns: ['carrier', 'hour', 'distance'], data: [['AA', 15, 900]] },
  })
  const answer = await invoke(body, { 'content-type': 'application/json' })
  expect(answer.json().predictions[0].label).toBe(1)
  expect((await invoke('x', { 'content-type': 'image/png' })).statusCode).toBe(415)
  expect((await invoke('{', { 'content-type': 'application/json' })).statusCode).toBe(400)
})

test('SageMaker’s headers name the prediction, come back, and say who is meant', async () => {
  const answer = await invoke(row, {
    'content-type': 'text/csv',
    'x-amzn-sagemaker-inference-id': 'order-7',
    'x-request-id': 'another',
    'x-amzn-sagemaker-custom-attributes': 'trace=1; a=b',
  })
  expect(answer.headers).toMatchObject({
    'x-amzn-sagemaker-inference-id': 'order-7',
    'x-amzn-sagemaker-custom-attributes': 'trace=1; a=b',
    'x-prediction-id': 'order-7',
    'x-model-version': 'late/1',
  })
  expect(logged.at(-1)).toMatchObject({ id: 'order-7', endpoint: 'late' })
  const long = await invoke(row, {
    'content-type': 'text/csv',
    'x-amzn-sagemaker-custom-attributes': 'x'.repeat(1025),
  })
  expect([long.statusCode, long.headers['x-amzn-sagemaker-custom-attributes']]).toEqual([
    200,
    undefined,
  ])
  const target = await invoke('1,2,3,4', {
    'content-type': 'text/csv',
    'x-amzn-sagemaker-target-model': 'iris',
  })
  expect(target.headers['x-model-version']).toBe('iris/1')
  const variant = { 'content-type': 'text/csv', 'x-amzn-sagemaker-target-variant': '9' }
  expect((await invoke(row, variant)).statusCode).toBe(404)
})

test('many models are listed, loaded, asked and let go of', async () => {
  asked = []
  const load = async (body: unknown) =>
    (await http.inject({ method: 'POST', url: '/models', body: body as object })).statusCode
  expect((await http.inject('/models')).json()).toEqual({
    models: [
      { modelName: 'iris', modelUrl: 'models:/iris/1' },
      { modelName: 'late', modelUrl: 'models:/late/1' },
    ],
  })
  expect((await http.inject('/models/late')).json()).toEqual({
    modelName: 'late',
    modelUrl: 'models:/late/1',
  })
  expect((await http.inject('/models/none')).statusCode).toBe(404)
  expect(await load({ model_name: 'new', url: 'models:/other/2' })).toBe(200)
  expect(await load({ model_name: 'late', url: 'models:/late/1' })).toBe(409)
  expect(await load({ model_name: 'big', url: 'models:/big/1' })).toBe(507)
  expect(await load({ url: 'x' })).toBe(400)
  const iris = { method: 'POST', url: '/models/iris/invoke', body: '1,2,3,4' } as const
  const answer = await http.inject({ ...iris, headers: { 'content-type': 'text/csv' } })
  expect(answer.headers['x-model-version']).toBe('iris/1')
  const gone = await http.inject({ method: 'DELETE', url: '/models/late' })
  expect(gone.statusCode).toBe(200)
  expect((await http.inject({ method: 'DELETE', url: '/models/none' })).statusCode).toBe(404)
  expect(asked).toEqual([
    ['load', 'new', { model: 'models:/other/2' }],
    ['load', 'big', { model: 'models:/big/1' }],
    ['unload', 'late'],
  ])
})

test('with several endpoints and none set, a request has to name one', async () => {
  const bare = Fastify()
  await bare.register((app) =>
    sagemakerProtocol(app, { inference: plane, askInForms: askInMlflowForms }),
  )
  const post = { method: 'POST', headers: { 'content-type': 'text/csv' }, body: row } as const
  const answer = await bare.inject({ ...post, url: '/invocations' })
  expect([answer.statusCode, answer.json().message]).toEqual([
    404,
    expect.stringMatching(/there are 2: iris, late/),
  ])
  expect((await bare.inject({ ...post, url: '/invocations?endpoint=late' })).statusCode).toBe(200)
  expect((await bare.inject('/models')).statusCode).toBe(404)
  await bare.close()
})

test('Azure’s input_data is a table or rows, answered without a key around it', async () => {
  const names = columns.map(({ name }) => name)
  const bodies = [
    { input_data: { columns: names, index: [0], data: [['AA', 15, 900]] }, params: {} },
    { input_data: [['AA', 15, 900]] },
    { input_data: [{ carrier: 'AA', hour: 15, distance: 900 }] },
  ]
  for (const body of bodies) {
    const answer = await http.inject({ method: 'POST', url: '/score', body })
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      [{ label: 1, probabilities: [expect.any(Number), expect.any(Number)] }],
    ])
  }
  expect((await http.inject('/')).body).toBe('Healthy')
  const swagger = (await http.inject('/swagger.json')).json()
  expect(JSON.stringify(swagger)).toContain('"enum":["carrier","hour","distance"]')
  const headers = { 'azureml-model-deployment': '9' }
  const other = await http.inject({ method: 'POST', url: '/score', headers, body: bodies[0] ?? {} })
  expect(other.statusCode).toBe(404)
  expect((await http.inject({ method: 'POST', url: '/score', body: {} })).statusCode).toBe(400)
})

test('who says how long they wait is understood at every path', async () => {
  for (const url of ['/invocations', '/models/late/invoke', '/score']) {
    const sent = { method: 'POST', url, body: { input_data: [['AA', 15, 900]] } } as const
    const headers = { 'x-request-timeout-ms': 'soon' }
    const refused = await http.inject({ ...sent, headers })
    expect([url, refused.statusCode, refused.body]).toEqual([
      url,
      400,
      expect.stringMatching(/whole number of milliseconds/),
    ])
    const late = await http.inject({ ...sent, headers: { 'x-request-timeout-ms': '0' } })
    expect([url, late.statusCode]).toEqual([url, 504])
  }
})

async function invoke(body: string, headers: Record<string, string>, query = '') {
  return http.inject({ method: 'POST', url: `/invocations${query}`, headers, body })
}

function model(name: string, file: string, signed: SignatureColumn[] | null): PlacedModel {
  return {
    servable: { model: name, version: 1, digest: file, columns: signed, example: null },
    files: { path: join(FIXTURES, `${file}.onnx`) },
  }
}

function column(name: string, type: SignatureColumn['type']): SignatureColumn {
  return { name, type, required: true }
}

/** Notes what it is asked; no model called big finds memory. */
function repository(): Repository {
  return {
    index: async () => [],
    load: async (...given) => {
      asked.push(['load', ...given])
      if (given[0] === 'big') throw new Problem('full', 'there is no memory for big')
    },
    unload: async (name) => void asked.push(['unload', name]),
    remove: async () => undefined,
  }
}
