import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SignatureColumn } from '#inference'
import { fixtureModels, openServing, serveModel, type ServingWorld } from '../support/serving.ts'

let world: ServingWorld

beforeAll(async () => {
  const models = fixtureModels()
  models.set('late', 1, 'flights', [
    column('carrier', 'string'),
    column('hour', 'double'),
    column('distance', 'long'),
  ])
  models.set(
    'iris',
    1,
    'matrix',
    ['a', 'b', 'c', 'd'].map((name) => column(name, 'double')),
  )
  models.set('echo', 1, 'echo')
  models.set('loop', 1, 'loop')
  models.set('quiet', 1, 'echo')
  world = await openServing({ models: models.source, timeoutMs: 1500 })
  await serveModel(world, 'late', {
    monitor: {
      window: { size: '1d' },
      key: 'id',
      settle: '1d',
      min_samples: 1,
      drift: { alert_share: 0.3, persistence: { windows: 3, of: 5 } },
    },
  })
  for (const name of ['iris', 'echo', 'loop', 'quiet']) await serveModel(world, name)
})
afterAll(() => world.close())

const row = { carrier: 'AA', hour: 15, distance: 900 }
const prediction = {
  label: 1,
  probabilities: [expect.closeTo(0.294, 3), expect.closeTo(0.706, 3)],
}

test('every form of a row that MLflow knows gets the same answer', async () => {
  const bodies = [
    { dataframe_records: [{ ...row, other: 1 }] },
    { dataframe_split: { columns: Object.keys(row), data: [Object.values(row)] } },
    { dataframe_split: { data: [Object.values(row)], index: [0] } },
    { instances: [row] },
    { inputs: { carrier: ['AA'], hour: [15], distance: [900] } },
  ]
  for (const body of bodies) {
    const answer = await invoke('late', JSON.stringify(body))
    expect([answer.status, answer.json]).toEqual([200, { predictions: [prediction] }])
  }
  const csv = await invoke('late', 'carrier,hour,distance\nAA,15,900\n', 'text/csv; charset=utf-8')
  expect(csv.json).toEqual({ predictions: [prediction] })
  expect(csv.headers).toMatchObject({ 'x-model-version': 'late/1', 'x-revision': '1' })
})

test('a model with a signature of columns is answered with rows, whatever it was sent', async () => {
  for (const body of [{ inputs: [[1, 2, 3, 4.5]] }, { instances: [[1, 2, 3, 4.5]] }]) {
    const { json } = await invoke('iris', JSON.stringify(body))
    const probabilities = [expect.any(Number), expect.any(Number), expect.any(Number)]
    expect(json).toEqual({ predictions: [{ label: 2, probabilities }] })
  }
  const nested = { inputs: { carrier: [['AA']], hour: [[15]], distance: [[900]] } }
  expect((await invoke('late', JSON.stringify(nested))).json).toEqual({ predictions: [prediction] })
})

test('a gap is NaN in a column of doubles, also as the token that Python writes', async () => {
  for (const hour of ['null', 'NaN']) {
    const body = `{"dataframe_records": [{"carrier": "AA", "hour": ${hour}, "distance": 900}]}`
    expect((await invoke('late', body)).body).toContain('"probabilities":[NaN,NaN]')
  }
})

test('what does not fit is refused with its place, in MLflow’s shape, and nothing is logged', async () => {
  const before = await logged('late')
  const cases: [unknown, number, RegExp][] = [
    [
      { dataframe_records: [{ carrier: 'AA', hour: 1 }] },
      400,
      /lacks the required column distance/,
    ],
    [{ dataframe_records: [row, { ...row, hour: 'x' }] }, 400, /column hour in row 1 is "x"/],
    [{ dataframe_records: [{ ...row, distance: 1.5 }] }, 400, /distance in row 0 is 1.5.*long/],
    [{ dataframe_records: [{ ...row, distance: null }] }, 400, /distance in row 0 is null/],
    [{ dataframe_records: [{ ...row, carrier: 7 }] }, 400, /carrier in row 0 is 7/],
    [{ dataframe_records: [{ ...row, carrier: null }] }, 400, /carrier in row 0 is null/],
    [{ dataframe_records: [{ ...row, hour: [1, 2] }] }, 400, /is a list/],
    [{ dataframe_records: [] }, 400, /no rows/],
    [{ dataframe_split: { columns: ['a', 'b'], data: [[1]] } }, 400, /2 columns passed/],
    [{ dataframe_split: { data: [[1]] } }, 400, /row 0 has 1 values, but the model takes 3/],
    [{ dataframe_split: { data: 3 } }, 400, /list of lists/],
    [
      { inputs: { carrier: ['AA', 'B6'], hour: [1], distance: [1] } },
      400,
      /column hour has 1 values/,
    ],
    [{ inputs: 3 }, 400, /must be a list/],
    [{ instances: [row], inputs: [row] }, 400, /exactly one of/],
    [{ messages: [] }, 400, /lacks the required columns/],
    [[row], 400, /received a list/],
    [7, 400, /received a number/],
  ]
  for (const [body, status, message] of cases) {
    const answer = await invoke('late', JSON.stringify(body))
    expect([answer.status, answer.json.message]).toEqual([status, expect.stringMatching(message)])
    expect(answer.json.error_code).toMatch(/^(BAD_REQUEST|INVALID_PARAMETER_VALUE)$/)
  }
  expect((await invoke('late', '{"dataframe_records"')).status).toBe(400)
  expect((await invoke('late', '', 'application/json')).status).toBe(400)
  expect((await invoke('late', 'x', 'text/plain')).status).toBe(415)
  expect((await invoke('late', '{}', 'application/json; charset=latin1')).status).toBe(415)
  expect((await invoke('nowhere', '{"inputs": [[1]]}')).status).toBe(404)
  expect(await logged('late')).toBe(before)
})

test('a model that never ends costs its caller a timeout and the next one nothing', async () => {
  const endless = await invoke('loop', '{"inputs": {"rounds": [1000000000000]}}')
  expect([endless.status, endless.json.error_code]).toEqual([504, 'DEADLINE_EXCEEDED'])
  expect((await invoke('loop', '{"inputs": {"rounds": [3]}}')).json).toEqual({
    predictions: { counts: [[3]] },
  })
})

test('a request id names the batch, and a second use for another request is refused', async () => {
  const headers = { 'x-request-id': 'night-run:7' }
  const body = JSON.stringify({ dataframe_records: [row] })
  const first = await invoke('late', body, 'application/json', headers)
  expect(first.headers).toMatchObject({
    'x-prediction-id': 'night-run:7',
    'x-request-id': 'night-run:7',
  })
  expect((await invoke('late', body, 'application/json', headers)).body).toBe(first.body)
  const other = JSON.stringify({ dataframe_records: [{ ...row, hour: 3 }] })
  expect((await invoke('late', other, 'application/json', headers)).status).toBe(409)
  const asked = JSON.stringify({ dataframe_records: [row], params: { rate: Number.MAX_VALUE } })
  expect((await invoke('late', asked, 'application/json', headers)).status).toBe(409)
  const odd = await invoke('late', body, 'application/json', { 'x-request-id': 'a b\tc' })
  expect(odd.status).toBe(400)
})

test('ping, health and version answer as MLflow’s scoring server does', async () => {
  for (const path of ['ping', 'health']) {
    const answer = await world.http.inject(`/endpoints/late/${path}`)
    expect([answer.statusCode, answer.body]).toEqual([200, '\n'])
  }
  expect((await world.http.inject('/endpoints/late/version')).body).toBe('3.17.2')
  const health = await world.http.inject('/health')
  expect([health.statusCode, health.body]).toEqual([200, '\n'])
  expect((await world.http.inject('/version')).body).toBe('3.17.2')
  expect((await world.http.inject('/endpoints/nowhere/ping')).statusCode).toBe(404)
})

test('Open Inference tells what the model really takes and gives', async () => {
  expect(await getJson('/v2')).toMatchObject({
    name: 'orrery',
    extensions: expect.arrayContaining(['binary_tensor_data', 'statistics']),
  })
  expect(await getJson('/v2/models/late')).toMatchObject({
    name: 'late',
    versions: ['1'],
    inputs: [
      { name: 'carrier', datatype: 'BYTES', shape: [-1, 1] },
      { name: 'hour', datatype: 'FP32', shape: [-1, 1] },
      { name: 'distance', datatype: 'FP32', shape: [-1, 1] },
    ],
    outputs: [
      { name: 'label', datatype: 'INT64', shape: [-1] },
      { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
    ],
  })
  expect(await getJson('/v2/models/late/versions/1/ready')).toEqual({ name: 'late', ready: true })
  expect(await getJson('/v2/health/ready')).toEqual({ ready: true })
  for (const path of ['/v2/models/none', '/v2/models/late/versions/2', '/v2/nothing']) {
    const answer = await world.http.inject(path)
    expect([answer.statusCode, typeof answer.json().error]).toEqual([404, 'string'])
  }
})

const tensors = [
  { name: 'carrier', datatype: 'BYTES', shape: [2, 1], data: ['AA', 'B6'] },
  { name: 'hour', datatype: 'FP32', shape: [2, 1], data: [[15], [8]] },
  { name: 'distance', datatype: 'FP32', shape: [2], data: [900, 300] },
]

test('Open Inference answers in JSON, with its id, and takes the key of the entity along', async () => {
  const key = { name: 'id', datatype: 'INT64', shape: [2], data: [41, 42] }
  const { status, json, headers } = await infer('late', { id: 'oip-1', inputs: [...tensors, key] })
  expect(status).toBe(200)
  expect(json).toMatchObject({
    model_name: 'late',
    model_version: '1',
    id: 'oip-1',
    parameters: { prediction_id: 'oip-1', revision: 1 },
    outputs: [
      { name: 'label', datatype: 'INT64', shape: [2], data: [1, expect.any(Number)] },
      { name: 'probabilities', datatype: 'FP32', shape: [2, 2] },
    ],
  })
  expect(headers['x-prediction-id']).toBe('oip-1')
  const found = await getJson('/api/v1/predictions/oip-1-1')
  expect(found).toMatchObject({ key: '42', inputs: { carrier: 'B6', hour: 8, distance: 300 } })
  const only = await infer('late', { inputs: tensors, outputs: [{ name: 'label' }] })
  expect(only.json.outputs.map((output: { name: string }) => output.name)).toEqual(['label'])
})

test('whole numbers of 64 bits keep their digits through JSON', async () => {
  const whole = '[9007199254740993, -9223372036854775808]'
  const body = `{"inputs": [
    {"name":"text","datatype":"BYTES","shape":[2,1],"data":["a","ä"]},
    {"name":"whole","datatype":"INT64","shape":[2,1],"data":${whole}},
    {"name":"single","datatype":"FP32","shape":[2,1],"data":[1,2]},
    {"name":"double","datatype":"FP64","shape":[2,1],"data":[0.1,0.2]},
    {"name":"flag","datatype":"BOOL","shape":[2,1],"data":[true,false]}]}`
  const answer = await world.http.inject({ method: 'POST', url: '/v2/models/echo/infer', body })
  expect(answer.body).toContain('"data":[9007199254740993,-9223372036854775808]')
  expect(answer.body).toContain('"data":["a","ä"]')
  expect(answer.body).toContain('"data":[true,false]')
})

test('binary tensors go both ways', async () => {
  const texts = Buffer.concat(
    ['AA', 'B6'].map((text) => Buffer.from([text.length, 0, 0, 0, ...Buffer.from(text)])),
  )
  const hours = Buffer.from(new Float32Array([15, 8]).buffer)
  const head = Buffer.from(
    JSON.stringify({
      parameters: { binary_data_output: true },
      inputs: [
        {
          name: 'carrier',
          datatype: 'BYTES',
          shape: [2, 1],
          parameters: { binary_data_size: texts.length },
        },
        {
          name: 'hour',
          datatype: 'FP32',
          shape: [2, 1],
          parameters: { binary_data_size: hours.length },
        },
        { name: 'distance', datatype: 'FP32', shape: [2, 1], data: [900, 300] },
      ],
    }),
  )
  const answer = await world.http.inject({
    method: 'POST',
    url: '/v2/models/late/infer',
    headers: { 'inference-header-content-length': String(head.length) },
    payload: Buffer.concat([head, texts, hours]),
  })
  const length = Number(answer.headers['inference-header-content-length'])
  const described = JSON.parse(answer.rawPayload.subarray(0, length).toString())
  expect(described.outputs.map((output: { parameters: unknown }) => output.parameters)).toEqual([
    { binary_data_size: 16 },
    { binary_data_size: 16 },
  ])
  expect(answer.rawPayload.length).toBe(length + 32)
  const plain = await infer('late', { inputs: tensors })
  const scores = new Float32Array(new Uint8Array(answer.rawPayload.subarray(length + 16)).buffer)
  expect([...scores]).toEqual(plain.json.outputs[1].data.map(Math.fround))
})

test('Open Inference refuses what does not fit, with the key that its clients look for', async () => {
  const before = await logged('late')
  const [carrier, hour, distance] = tensors
  const cases: [object, RegExp][] = [
    [{}, /inputs must be a list/],
    [{ inputs: [carrier, hour] }, /input distance is missing/],
    [
      { inputs: [carrier, hour, { ...distance, datatype: 'FP64' }] },
      /float64, but the model takes float32/,
    ],
    [
      { inputs: [carrier, hour, { ...distance, datatype: 'FP16' }] },
      /of FP16, which JSON has no numbers for/,
    ],
    [{ inputs: [carrier, hour, { ...distance, shape: [3] }] }, /has 2 elements/],
    [{ inputs: [carrier, hour, { ...distance, shape: [1], data: [1] }] }, /rows/],
    [{ inputs: [carrier, hour, { ...distance, shape: [2, -1] }] }, /must have a shape/],
    [{ inputs: [carrier, hour, { ...distance, data: ['x', 'y'] }] }, /which is no FP32/],
    [{ inputs: [carrier, hour, hour, distance] }, /sent twice/],
    [{ inputs: tensors, outputs: [{ name: 'none' }] }, /there is no output none/],
    [
      {
        inputs: [
          carrier,
          hour,
          { ...distance, data: undefined, parameters: { binary_data_size: 8 } },
        ],
      },
      /only 0 bytes/,
    ],
  ]
  for (const [body, message] of cases) {
    const answer = await infer('late', body)
    expect([answer.status, answer.json.error]).toEqual([400, expect.stringMatching(message)])
  }
  const bad = await world.http.inject({ method: 'POST', url: '/v2/models/late/infer', body: '{' })
  expect(bad.statusCode).toBe(400)
  const length = await world.http.inject({
    method: 'POST',
    url: '/v2/models/late/infer',
    headers: { 'inference-header-content-length': '999' },
    body: '{}',
  })
  expect(length.statusCode).toBe(400)
  expect(await logged('late')).toBe(before)
})

test('truths come by key or by prediction, early or late, and the last label wins', async () => {
  const report = async (truths: object[]) =>
    world.http.inject({
      method: 'POST',
      url: '/api/v1/endpoints/late/ground-truth',
      body: { truths },
    })
  expect((await report([{ key: 900, label: 1 }])).json()).toEqual({
    accepted: 1,
    unchanged: 0,
    replaced: 0,
    unknown: 1,
  })
  const sent = await world.http.inject({
    method: 'POST',
    url: '/api/v1/endpoints/late/predictions',
    body: {
      records: [
        { ...row, id: '900' },
        { ...row, id: 901 },
      ],
    },
  })
  const [first, second] = sent.json().predictions as { id: string }[]
  expect(sent.json().predictions[0].outputs).toEqual(prediction)
  expect(await getJson(`/api/v1/predictions/${first?.id}`)).toMatchObject({ key: '900', label: 1 })
  const later = await report([
    { key: '900', label: 0, time: '2013-03-02T00:00:00Z' },
    { prediction: second?.id, label: true },
  ])
  expect(later.json()).toEqual({ accepted: 1, unchanged: 0, replaced: 1, unknown: 0 })
  expect(await getJson(`/api/v1/predictions/${first?.id}`)).toMatchObject({
    label: 0,
    truth: { label: 0, time: '2013-03-02T00:00:00.000Z' },
  })
  expect(await getJson(`/api/v1/predictions/${second?.id}`)).toMatchObject({ label: true })
  for (const truth of [
    { label: 1 },
    { key: 1, prediction: 'x', label: 1 },
    { key: 1 },
    { key: 1, label: null },
    { key: {}, label: 1 },
    { key: 1, label: 1, time: 'soon' },
  ])
    expect((await report([truth])).statusCode).toBe(400)
  expect((await world.http.inject('/api/v1/predictions/none-0')).statusCode).toBe(404)
})

test('event time is said to have passed, and never goes back', async () => {
  const advance = async (time: unknown) =>
    world.http.inject({ method: 'POST', url: '/api/v1/endpoints/quiet/watermark', body: { time } })
  expect((await advance('2013-04-01T00:00:00Z')).json()).toEqual({
    watermark: '2013-04-01T00:00:00.000Z',
  })
  expect((await advance(Date.UTC(2013, 2, 1))).json()).toEqual({
    watermark: '2013-04-01T00:00:00.000Z',
  })
  expect((await advance('whenever')).statusCode).toBe(400)
  expect(await getJson('/api/v1/endpoints/quiet')).toMatchObject({
    state: 'ready',
    live: { revision: 1, modelVersion: 'quiet/1' },
    watermark: '2013-04-01T00:00:00.000Z',
  })
})

function column(name: string, type: SignatureColumn['type']): SignatureColumn {
  return { name, type, required: true }
}

async function invoke(
  endpoint: string,
  body: string,
  contentType = 'application/json',
  headers: Record<string, string> = {},
) {
  const answer = await world.http.inject({
    method: 'POST',
    url: `/endpoints/${endpoint}/invocations`,
    headers: { 'content-type': contentType, ...headers },
    body,
  })
  const parse = () => JSON.parse(answer.body)
  return {
    status: answer.statusCode,
    body: answer.body,
    headers: answer.headers,
    get json() {
      return parse()
    },
  }
}

async function infer(endpoint: string, body: object) {
  const answer = await world.http.inject({
    method: 'POST',
    url: `/v2/models/${endpoint}/infer`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: answer.statusCode, json: JSON.parse(answer.body), headers: answer.headers }
}

async function getJson(path: string) {
  return (await world.http.inject(path)).json()
}

async function logged(endpoint: string): Promise<number> {
  const { rows } = await world.log.window(endpoint, { fromMs: 0, toMs: 9e15 })
  return rows.length
}
