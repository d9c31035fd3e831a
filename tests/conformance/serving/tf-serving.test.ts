import { deflateSync, gzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tfServingProtocol } from '#protocols/tf-serving/index'
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

interface Answer {
  error?: string
}

beforeAll(async () => {
  const models = fixtureModels()
  const column = (name: string, type: 'string' | 'double' | 'long') => ({
    name,
    type,
    required: true,
  })
  models.set('half_plus_two', 1, 'half-plus-two')
  models.set('late', 1, 'flights', [
    column('carrier', 'string'),
    column('hour', 'double'),
    column('distance', 'long'),
  ])
  models.set('plain', 1, 'flights')
  models.set(
    'iris',
    1,
    'matrix',
    ['a', 'b', 'c', 'd'].map((name) => column(name, 'double')),
  )
  models.set('echo', 1, 'echo')
  models.alias('iris@champion', 1)
  world = await openServing({ models: models.source })
  for (const name of ['half_plus_two', 'late', 'plain', 'iris', 'echo'])
    await serveModel(world, name, { monitor: name === 'late' || name === 'plain' ? keyed : null })
  await world.serving.declareEndpoint(LOCAL, {
    name: 'awaited',
    project: 'example',
    model: 'models:/awaited@champion',
    shadows: [],
    monitor: null,
  })
  await world.serving.rollOut(LOCAL, 'awaited')
  await world.plane.complete()
  http = Fastify()
  await http.register((app) => tfServingProtocol(app, { inference: world.plane }))
  url = await http.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await http.close()
  await world.close()
})

/** Knows each flight by its id, which is sent beside what the model reads. */
const keyed = {
  window: { size: '1d' },
  key: 'id',
  settle: '1d',
  min_samples: 1,
  drift: { alert_share: 0.3, persistence: { windows: 3, of: 5 } },
}

/** As curl sends a body: with a media type that says nothing about it. */
async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, text: await response.text(), headers: response.headers }
}

async function get(path: string) {
  const response = await fetch(`${url}${path}`)
  return { status: response.status, json: (await response.json()) as Answer }
}

test('the half_plus_two of TensorFlow Serving’s own pages answers as written there', async () => {
  const body = '{"instances": [1.0, 2.0, 5.0]}'
  const answer = await post('/v1/models/half_plus_two:predict', body)
  expect([answer.status, answer.text]).toEqual([200, '{"predictions": [2.5, 3.0, 4.5]}'])
  expect((await post('/v1/models/half_plus_two:predict', '{"inputs": [1.0]}')).text).toBe(
    '{"outputs": [2.5]}',
  )
  const upper = await post('/v1/MODELS/half_plus_two/VERSIONS/1:PREDICT', body)
  expect(upper.text).toBe('{"predictions": [2.5, 3.0, 4.5]}')
  expect(
    (await post('/v1/models/half_plus_two:regress', { examples: [{ x: 1 }, { x: [2] }] })).text,
  ).toBe('{"results": [2.5, 3.0]}')
})

test('status and metadata are what TensorFlow Serving says, and what KServe asks for', async () => {
  expect(await get('/v1/models/half_plus_two')).toEqual({
    status: 200,
    json: {
      name: 'half_plus_two',
      ready: true,
      model_version_status: [
        { version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } },
      ],
    },
  })
  const { json } = await get('/v1/models/late/metadata')
  expect(json).toMatchObject({
    model_spec: { name: 'late', signature_name: '', version: '1' },
    metadata: {
      signature_def: {
        signature_def: {
          serving_default: {
            inputs: {
              carrier: {
                dtype: 'DT_STRING',
                tensor_shape: {
                  dim: [
                    { size: '-1', name: '' },
                    { size: '1', name: '' },
                  ],
                  unknown_rank: false,
                },
                name: 'carrier:0',
              },
              hour: { dtype: 'DT_FLOAT' },
            },
            outputs: { label: { dtype: 'DT_INT64' }, probabilities: { dtype: 'DT_FLOAT' } },
            method_name: 'tensorflow/serving/predict',
          },
        },
      },
    },
  })
  expect(await get('/v1/models')).toEqual({
    status: 200,
    json: { models: ['awaited', 'echo', 'half_plus_two', 'iris', 'late', 'plain'] },
  })
  expect((await get('/v1/models/nope')).json.error).toMatch(
    /^Servable not found for request: Latest\(nope\)/,
  )
  expect((await get('/v1/models/late/versions/7')).status).toBe(404)
})

test('a label is an alias of the registered model', async () => {
  const asked = await post('/v1/models/iris/labels/champion:predict', {
    instances: [[1, 2, 3, 4.5]],
  })
  expect([asked.status, asked.text]).toEqual([200, expect.stringMatching(/"label": 2/)])
  expect((await get('/v1/models/iris/labels/champion')).json).toMatchObject({
    model_version_status: [{ version: '1', state: 'AVAILABLE' }],
  })
  expect((await get('/v1/models/iris/labels/staging')).status).toBe(404)
})

test('a model that cannot answer yet is not ready, for those who look at the status and at the body', async () => {
  expect(await get('/v1/models/awaited')).toEqual({
    status: 503,
    json: { name: 'awaited', ready: false, model_version_status: [] },
  })
  expect((await post('/v1/models/awaited:predict', { instances: [1] })).status).toBe(503)
})

test('rows by name, rows by place, and inputs by name get the same answer', async () => {
  const row = { carrier: 'AA', hour: 15, distance: 900 }
  const bodies = [
    { instances: [row] },
    { instances: [{ carrier: ['AA'], hour: [15], distance: [900] }] },
    { instances: [['AA', 15, 900]] },
    { signature_name: 'serving_default', instances: [{ ...row, carrier: { b64: 'QUE=' } }] },
  ]
  for (const model of ['late', 'plain'])
    for (const body of bodies) {
      const { status, text } = await post(`/v1/models/${model}:predict`, body)
      expect([status, JSON.parse(text)]).toEqual([
        200,
        {
          predictions: [
            { label: 1, probabilities: [expect.closeTo(0.294, 3), expect.closeTo(0.706, 3)] },
          ],
        },
      ])
    }
  const inputs = { carrier: ['AA', 'B6'], hour: [15, 8], distance: [900, 300] }
  const { text } = await post('/v1/models/late:predict', { inputs })
  expect(JSON.parse(text).outputs).toMatchObject({ label: [1, expect.any(Number)] })
})

test('the key that the monitor knows an entity by goes along, and no other name does', async () => {
  for (const model of ['late', 'plain']) {
    const instances = [{ carrier: 'AA', hour: 15, distance: 900, id: 41 }]
    const sent = await post(`/v1/models/${model}:predict`, { instances }, { 'x-request-id': model })
    expect(sent.status).toBe(200)
    expect(await world.log.find(`${model}-0`)).toMatchObject({ key: '41' })
  }
})

test('a matrix takes lists, its own name and the columns of its signature', async () => {
  const bodies = [
    { instances: [[1, 2, 3, 4.5]] },
    { instances: [{ X: [1, 2, 3, 4.5] }] },
    { instances: [{ a: 1, b: 2, c: 3, d: 4.5 }] },
  ]
  const answers = await Promise.all(bodies.map((body) => post('/v1/models/iris:predict', body)))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(JSON.parse(answers[0]?.text ?? '')).toMatchObject({ predictions: [{ label: 2 }] })
})

test('classification names the class that the model means', async () => {
  const examples = [{ hour: 15, distance: 900 }]
  const { text } = await post('/v1/models/late:classify', { context: { carrier: 'AA' }, examples })
  expect(JSON.parse(text)).toEqual({
    results: [
      [
        ['', expect.closeTo(0.294, 3)],
        ['1', expect.closeTo(0.706, 3)],
      ],
    ],
  })
  const twice = await post('/v1/models/late:classify', { context: { hour: 1 }, examples })
  expect([twice.status, twice.text]).toEqual([
    400,
    expect.stringMatching(/in 'context' and in example 0/),
  ])
  const wrong = await post('/v1/models/half_plus_two:classify', { examples: [{ x: 1 }] })
  expect([wrong.status, wrong.text]).toEqual([
    400,
    expect.stringMatching(/no classifier: it gives y \(float32 \[-1\]\)/),
  ])
  const number = await post('/v1/models/late:regress', {
    examples: [{ ...examples[0], carrier: 'AA' }],
  })
  expect([number.status, number.text]).toEqual([400, expect.stringMatching(/no regression/)])
})

test('NaN, infinities and all digits of 64 bits go both ways', async () => {
  const body = `{"instances": [{"text": ["ä"], "whole": [9007199254740993], "single": [NaN], "double": [-Infinity], "flag": [true]},
    {"text": [""], "whole": [-9223372036854775808], "single": [0.1], "double": [Infinity], "flag": [false]}]}`
  const { text } = await post('/v1/models/echo:predict', body)
  expect(text).toBe(
    '{"predictions": [{"text_out": ["ä"], "whole_out": [9007199254740993], "single_out": [NaN], "double_out": [-Infinity], "flag_out": [true]}, {"text_out": [""], "whole_out": [-9223372036854775808], "single_out": [0.1], "double_out": [Infinity], "flag_out": [false]}]}',
  )
})

test('a request id comes back and names the record', async () => {
  const answer = await post(
    '/v1/models/half_plus_two:predict',
    { instances: [1] },
    { 'x-request-id': 'tfs-1' },
  )
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'x-request-id': 'tfs-1',
    'x-prediction-id': 'tfs-1',
    'x-model-version': 'half_plus_two/1',
    'x-revision': '1',
    'x-route': ':1:',
  })
})

test('a compressed body is read, and one that inflates without end is not', async () => {
  const send = async (bytes: Buffer, encoding = 'gzip') => {
    const response = await fetch(`${url}/v1/models/half_plus_two:predict`, {
      method: 'POST',
      headers: { 'content-encoding': encoding },
      body: new Uint8Array(bytes),
    })
    return [response.status, await response.text()]
  }
  expect(await send(gzipSync('{"instances": [1]}'))).toEqual([200, '{"predictions": [2.5]}'])
  expect(await send(deflateSync('{"instances": [1]}'), 'deflate')).toEqual([
    200,
    '{"predictions": [2.5]}',
  ])
  expect(await send(gzipSync(Buffer.alloc(2_000_000)))).toEqual([
    413,
    expect.stringMatching(/1048576 bytes/),
  ])
  expect(await send(Buffer.from('{}'))).toEqual([400, expect.stringMatching(/cannot be inflated/)])
  expect(await send(Buffer.from('{}'), 'br')).toEqual([400, expect.stringMatching(/send gzip/)])
})

test('an event in gets an event out, in headers or as a body', async () => {
  const ce = { 'ce-specversion': '1.0', 'ce-id': 'a', 'ce-source': '/here', 'ce-type': 'ask' }
  const binary = await post(
    '/v1/models/half_plus_two:predict',
    { instances: [1] },
    { ...ce, 'content-type': 'application/json' },
  )
  expect([binary.status, binary.text]).toEqual([200, '{"predictions": [2.5]}'])
  expect(Object.fromEntries(binary.headers)).toMatchObject({
    'ce-specversion': '1.0',
    'ce-source': 'io.kserve.inference.half_plus_two',
    'ce-type': 'io.kserve.inference.response',
  })
  const event = {
    specversion: '1.0',
    id: 'a',
    source: '/here',
    type: 'ask',
    data: { instances: [1] },
  }
  const type = { 'content-type': 'application/cloudevents+json' }
  const structured = await post('/v1/models/half_plus_two:predict', event, type)
  expect(JSON.parse(structured.text)).toMatchObject({
    specversion: '1.0',
    data: { predictions: [2.5] },
  })
  const odd = await post('/v1/models/half_plus_two:predict', { ...event, id: undefined }, type)
  expect([odd.status, odd.text]).toEqual([400, expect.stringMatching(/CloudEvent lacks id/)])
})

test('what does not fit is refused in the protocol’s words, and nothing is logged', async () => {
  const row = { carrier: 'AA', hour: 15, distance: 900 }
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const cases: [string, unknown, number, RegExp][] = [
    ['late:predict', '', 400, /JSON Parse error: The document is empty/],
    ['late:predict', '{"instances": [', 400, /JSON Parse error/],
    ['late:predict', [row], 400, /Is not object/],
    ['late:predict', {}, 400, /Missing 'inputs' or 'instances' key/],
    ['late:predict', { instances: [row], inputs: [row] }, 400, /both/],
    ['late:predict', { instances: [] }, 400, /empty list/],
    ['late:predict', { instances: 7 }, 400, /must be a list/],
    [
      'late:predict',
      { instances: [row, 7] },
      400,
      /Expecting object but got value\/list at item 1/,
    ],
    [
      'late:predict',
      { instances: [row, { ...row, other: 1 }] },
      400,
      /element: 1 of 'instances' list/,
    ],
    [
      'late:predict',
      { instances: [{ ...row, other: 1 }] },
      400,
      /does not have named input: other/,
    ],
    ['late:predict', { instances: [{ carrier: 'AA', hour: 1 }] }, 400, /distance/],
    [
      'plain:predict',
      { instances: [{ carrier: 'AA', hour: 1 }] },
      400,
      /missing the named input distance/,
    ],
    ['late:predict', { instances: [{ ...row, hour: 'x' }] }, 400, /hour/],
    ['plain:predict', { instances: [{ ...row, hour: 'x' }] }, 400, /no float32/],
    ['plain:predict', { instances: [{ ...row, hour: 1e300 }] }, 400, /no float32/],
    [
      'plain:predict',
      { instances: [{ ...row, carrier: { b64: '!' } }] },
      400,
      /Unable to base64 decode/,
    ],
    ['plain:predict', { instances: [{ ...row, carrier: { b64: '/w==' } }] }, 400, /no UTF-8/],
    ['plain:predict', { instances: [{ ...row, carrier: { c: 1 } }] }, 400, /Type: Object/],
    [
      'iris:predict',
      {
        instances: [
          [1, 2, 3, 4],
          [1, 2],
        ],
      },
      400,
      /not all of one size/,
    ],
    ['iris:predict', { instances: [[1, 2, 3]] }, 400, /shape \[1, 3\]/],
    ['iris:predict', `{"instances": ${deep}}`, 400, /deep/],
    [
      'late:predict',
      { instances: ['AA', 15, 900] },
      400,
      /plain list, but expecting list of objects/,
    ],
    [
      'late:predict',
      { inputs: ['AA', 15, 900] },
      400,
      /plain value\/list, but expecting an object/,
    ],
    [
      'late:predict',
      { inputs: { carrier: ['AA', 'B6'], hour: [1], distance: [1] } },
      400,
      /rows|size/,
    ],
    ['late:predict', { signature_name: 'other', instances: [row] }, 400, /key "other" not found/],
    ['late:predict', { signature_name: 7, instances: [row] }, 400, /must be a string/],
    ['late:classify', { examples: [] }, 400, /at least one example/],
    ['late:classify', { examples: [7] }, 400, /object of features/],
    ['late:explain', { instances: [row] }, 501, /no explanations/],
    ['late/labels/champion:predict', { instances: [row] }, 404, /Labeled\(late, champion\)/],
    ['late/versions/9:predict', { instances: [row] }, 404, /Specific\(late, 9\)/],
    ['none:predict', { instances: [row] }, 404, /Latest\(none\)/],
    ['late:dance', { instances: [row] }, 400, /Malformed request: POST/],
    ['late', { instances: [row] }, 400, /Malformed request: POST/],
  ]
  for (const [path, body, status, message] of cases) {
    const answer = await post(`/v1/models/${path}`, body)
    const { error } = JSON.parse(answer.text) as { error: string }
    expect([path, answer.status, error]).toEqual([path, status, expect.stringMatching(message)])
  }
  const { rows } = await world.serving.predictions.window('plain', { fromMs: 0, toMs: 9e15 })
  expect(rows.length).toBe(5)
})
