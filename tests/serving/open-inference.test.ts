import { afterAll, beforeAll, expect, test } from 'vitest'
import { deflateSync, gzipSync } from 'node:zlib'
import { fixtureModels, openServing, serveModel, type ServingWorld } from '../support/serving.ts'

let world: ServingWorld

beforeAll(async () => {
  const models = fixtureModels()
  for (const name of ['kinds', 'wide', 'half', 'matrix', 'pick', 'loop']) models.set(name, 1, name)
  models.set('late', 1, 'flights', [
    { name: 'carrier', type: 'string', required: true },
    { name: 'hour', type: 'double', required: true },
    { name: 'distance', type: 'long', required: true },
  ])
  models.alias('wide@champion', 1)
  world = await openServing({ models: models.source, timeoutMs: 2000 })
  await world.plane.complete()
  for (const name of ['wide', 'half', 'matrix', 'late', 'pick', 'loop'])
    await serveModel(world, name)
})
afterAll(() => world.close())

const block = (data: unknown[], more: object = {}) => ({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, data.length], data }],
  ...more,
})

test('what JSON cannot say is refused, and its caller told that the prediction was logged', async () => {
  const sent = block([1, null], { id: 'nan-1' })
  const refused = await infer('wide', sent)
  expect([refused.status, refused.json.error]).toEqual([
    400,
    expect.stringMatching(/no finite numbers.*binary_data.*allow_nan.*logged as nan-1/),
  ])
  expect(refused.headers).toMatchObject({ 'x-prediction-id': 'nan-1', 'x-model-version': 'wide/1' })
  expect(await world.log.find('nan-1-0')).toBeDefined()
  const body = `{"parameters":{"allow_nan":"string"},"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[NaN,Infinity,-Infinity,-0.0]}]}`
  const { json } = await infer('wide', body)
  expect(json.outputs[0].data).toEqual(['NaN', 'Infinity', '-Infinity', -0])
  expect((await infer('wide', block([1], { parameters: { allow_nan: true } }))).status).toBe(400)
})

test.each([
  ['order #7 of 8', 'order #7 of 8'],
  ['{"a": 1}', '{"a": 1}'],
  ['a?b=c&d%20/e', 'a?b=c&d%20/e'],
  ['注文-7', '%E6%B3%A8%E6%96%87-7'],
  [' é ', '%20%C3%A9%20'],
  ['👩🚀', '%F0%9F%91%A9%F0%9F%9A%80'],
])('a request may be called %j', async (id, inHeaders) => {
  const { status, json, headers } = await infer('wide', block([1], { id }))
  expect({ status, json }).toMatchObject({
    status: 200,
    json: { id, parameters: { prediction_id: id } },
  })
  expect([headers['x-request-id'], headers['x-prediction-id']]).toEqual([inHeaders, inHeaders])
  expect(await world.log.find(`${id}-0`)).toMatchObject({ id: `${id}-0` })
  const again = await infer('wide', block([1], { id }))
  expect(again.json.outputs[0].data).toEqual(json.outputs[0].data)
  expect((await infer('wide', block([2], { id }))).status).toBe(409)
})

test('a request whose name cannot be printed in one line is refused', async () => {
  for (const id of ['a\nb', 'a\u2028b', 'a\u0000', '\u202eabc', 'x'.repeat(201)])
    expect((await infer('wide', block([1], { id }))).json.error).toContain('can be printed')
})

test('a data frame is one input a column, and base64 holds text', async () => {
  const column = (name: string, datatype: string, data: unknown[], parameters = {}) => ({
    name,
    datatype,
    shape: [data.length, 1],
    parameters,
    data,
  })
  const carriers = ['AA', 'B6'].map((text) => Buffer.from(text).toString('base64'))
  const numbers = [column('hour', 'INT64', [15, 8]), column('distance', 'INT32', [900, 300])]
  const frame = {
    parameters: { content_type: 'pd' },
    inputs: [column('carrier', 'BYTES', carriers, { content_type: 'base64' }), ...numbers],
  }
  const plain = {
    inputs: [
      column('carrier', 'BYTES', ['AA', 'B6']),
      column('hour', 'FP32', [15, 8]),
      column('distance', 'FP32', [900, 300]),
    ],
  }
  const [ours, theirs] = [await infer('late', frame), await infer('late', plain)]
  expect([ours.status, theirs.status]).toEqual([200, 200])
  expect(ours.json.outputs).toEqual(theirs.json.outputs)
  const [, ...others] = plain.inputs
  const carrier = column('carrier', 'BYTES', carriers, { content_type: 'base64' })
  const decoded = await infer('late', { inputs: [carrier, ...others] })
  expect(decoded.json.outputs).toEqual(theirs.json.outputs)
  for (const [inputs, message] of [
    [[{ ...carrier, data: ['%', '%'] }, ...others], /no base64/],
    [[{ ...carrier, parameters: { content_type: 'hf' } }, ...others], /content_type "hf"/],
    [[{ ...numbers[0], parameters: { content_type: 'base64' } }], /not BYTES/],
  ] as const) {
    const refused = await infer('late', { inputs })
    expect([refused.status, refused.json.error]).toEqual([400, expect.stringMatching(message)])
  }
})

test('the largest values are asked for as classes', async () => {
  const rows = [
    [1, 2, 3, 4.5],
    [-1, 0.5, 0.25, 0],
  ]
  const asked = (classification: unknown) => ({
    inputs: [{ name: 'X', datatype: 'FP32', shape: [2, 4], data: rows }],
    outputs: [{ name: 'probabilities', parameters: { classification } }],
  })
  const plain = await infer('matrix', asked(undefined))
  const values = plain.json.outputs[0].data as number[]
  const best = [0, 1].map((row) => {
    const own = values.slice(row * 3, row * 3 + 3)
    const order = [0, 1, 2].toSorted((a, b) => (own[b] ?? 0) - (own[a] ?? 0))
    return order.slice(0, 2).map((index) => `${own[index]}:${index}`)
  })
  const { json } = await infer('matrix', asked(2))
  expect(json.outputs).toEqual([
    { name: 'probabilities', datatype: 'BYTES', shape: [2, 2], data: best.flat() },
  ])
  expect((await infer('matrix', asked(99))).json.outputs[0].shape).toEqual([2, 3])
  expect((await infer('matrix', asked('x'))).status).toBe(400)
})

test('a body of bytes alone is the only input, as wide as it is long', async () => {
  const floats = new Float32Array([1, 2, 3, 4, 5, 6, 7, 8])
  const rows = await raw('matrix', Buffer.from(floats.buffer))
  expect(rows.described.outputs[0]).toMatchObject({ name: 'label', shape: [2] })
  const one = await raw('wide', Buffer.from(floats.buffer))
  expect(one.described.outputs[0]).toMatchObject({ name: 'y', shape: [1, 8] })
  expect(one.block).toEqual(Buffer.from(floats.buffer))
  expect((await raw('matrix', Buffer.alloc(17))).described.error).toMatch(/a row of input X has 16/)
  expect((await raw('late', Buffer.alloc(4))).described.error).toMatch(/models of one input/)
})

test('versions are named by number or alias, and the answer says which it was', async () => {
  for (const version of ['1', 'champion'])
    expect((await infer(`wide/versions/${version}`, block([1]))).json.model_version).toBe('1')
  for (const version of ['2', 'challenger'])
    expect((await infer(`wide/versions/${version}`, block([1]))).status).toBe(404)
  const { json } = await get('/v2/models/wide/versions/champion')
  expect(json).toMatchObject({ versions: ['1'], properties: { labels: 'champion=1' } })
})

test('configuration and statistics are as Triton words them', async () => {
  const {
    json: {
      model_stats: [before],
    },
  } = await get('/v2/models/pick/stats')
  // What is loaded and was not asked is told as well, and its warm-up counts nowhere.
  expect(before).toMatchObject({ inference_count: 0, execution_count: 0, last_inference: 0 })
  await infer('pick', {
    inputs: [{ name: 'index', datatype: 'INT64', shape: [3], data: [0, 1, 2] }],
  })
  const { json } = await get('/v2/models/pick/versions/1/stats')
  expect(json.model_stats).toMatchObject([
    {
      name: 'pick',
      version: '1',
      inference_count: 3,
      execution_count: 1,
      inference_stats: {
        success: { count: 1 },
        fail: { count: 0 },
        queue: { count: 1 },
        compute_infer: { count: 1 },
      },
    },
  ])
  const { success, queue, compute_infer: compute } = json.model_stats[0].inference_stats
  expect(queue.ns + compute.ns).toBeLessThanOrEqual(success.ns)
  expect(compute.ns).toBeGreaterThan(0)
  const all = (await get('/v2/models/stats')).json.model_stats.map(
    (each: { name: string }) => each.name,
  )
  expect(all).toContain('pick')
  expect((await get('/v2/models/pick/config')).json).toMatchObject({
    max_batch_size: 0,
    input: [{ name: 'index', data_type: 'TYPE_INT64', dims: [-1, 1] }],
  })
  expect((await get('/v2/models/none/stats')).status).toBe(404)
})

test('a caller’s time limit is kept', async () => {
  const slow = (parameters: object) => ({
    parameters,
    inputs: [{ name: 'rounds', datatype: 'INT64', shape: [1, 1], data: [1_000_000_000_000] }],
  })
  expect((await infer('loop', slow({ timeout: 200_000 }))).status).toBe(504)
  for (const timeout of [-1, 1.5, 'soon'])
    expect((await infer('wide', block([1], { parameters: { timeout } }))).status).toBe(400)
  const headers = { 'x-request-timeout-ms': 'soon' }
  expect((await infer('wide', block([1]), headers)).status).toBe(400)
  expect(
    (await infer('wide', block([1], { parameters: { priority: 1, timeout: 0 } }))).status,
  ).toBe(200)
})

test('bodies come compressed, and none inflates without end', async () => {
  const body = Buffer.from(JSON.stringify(block(Array.from({ length: 2000 }, (_, index) => index))))
  for (const [encoding, bytes] of [
    ['gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['GZIP', gzipSync(body)],
  ] as const) {
    const answer = await infer('wide', bytes, {
      'content-encoding': encoding,
      'accept-encoding': 'gzip;q=0, deflate',
    })
    expect([answer.status, answer.headers['content-encoding']]).toEqual([200, 'deflate'])
  }
  const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024))
  expect((await infer('wide', bomb, { 'content-encoding': 'gzip' })).status).toBe(413)
  for (const [encoding, bytes] of [
    ['br', body],
    ['gzip', body],
    ['gzip', Buffer.alloc(0)],
  ] as const) {
    const answer = await infer('wide', bytes, { 'content-encoding': encoding })
    expect([answer.status, typeof answer.json.error]).toEqual([400, 'string'])
  }
})

test('a body may say of itself what it likes', async () => {
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'garbage', '', ';', 'a/b; c=']
  for (const type of types)
    expect([type, (await infer('wide', block([1]), { 'content-type': type })).status]).toEqual([
      type,
      200,
    ])
})

test('what is malformed is refused in the protocol’s words, and the server goes on', async () => {
  const bad: (string | object)[] = [
    '',
    '[]',
    'null',
    '{"inputs":{}}',
    '['.repeat(200_000),
    `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}]}`,
    { inputs: [null] },
    { inputs: [{ name: 'x', datatype: 'FP32', shape: [2 ** 30, 2 ** 30], data: [1] }] },
    { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2 ** 31], data: [1] }] },
    { inputs: [{ name: 'x', datatype: 'FP32', shape: [], data: [1] }] },
    { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1.5], data: [1] }] },
    { inputs: [{ name: 'x', datatype: ['FP32'], shape: [1, 1], data: [1] }] },
    { inputs: [{ name: 'x', datatype: '__proto__', shape: [1, 1], data: [1] }] },
    block([1e300]),
    block([true]),
    block(['1']),
    block([{}]),
    block([1], { parameters: [] }),
    block([1], { parameters: { sequence_id: 7 } }),
    block([1], { parameters: { sequence_id: 'a', sequence_start: true } }),
    block([1], { id: 7 }),
    block([1], { id: 'one\ntwo' }),
    block([1], { outputs: [{ name: 'y' }, { name: 'y' }] }),
    block([1], { outputs: [{ name: 'y', parameters: { shared_memory_region: 'a' } }] }),
    {
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [1, 1], parameters: { shared_memory_region: 'a' } },
      ],
    },
    {
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [1, 1], parameters: { binary_data_size: -1 } },
      ],
    },
    {
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [1, 1], parameters: { binary_data_size: 1e99 } },
      ],
    },
  ]
  for (const body of bad) {
    const answer = await infer('wide', body)
    const label = JSON.stringify(body).slice(0, 80)
    expect([label, answer.status, typeof answer.json.error]).toEqual([label, 400, 'string'])
  }
  for (const length of ['-1', '1e3', '99999999999999', 'x', '3'])
    expect(
      (await infer('wide', block([1]), { 'inference-header-content-length': length })).status,
    ).toBe(400)
  for (const path of [
    'systemsharedmemory/status',
    'trace/setting',
    'logging',
    'models/wide/nothing',
  ])
    expect([
      path,
      (await get(`/v2/${path}`)).status,
      typeof (await get(`/v2/${path}`)).json.error,
    ]).toEqual([path, 404, 'string'])
  expect((await infer('wide', block([1]))).status).toBe(200)
})

async function infer(model: string, body: string | object, headers: Record<string, string> = {}) {
  const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const answer = await world.http.inject({
    method: 'POST',
    url: `/v2/models/${model}/infer`,
    headers,
    payload,
  })
  const json = answer.headers['content-encoding'] === undefined ? answer.json() : undefined
  return { status: answer.statusCode, headers: answer.headers, json }
}

async function raw(model: string, payload: Buffer) {
  const headers = { 'inference-header-content-length': '0' }
  const url = `/v2/models/${model}/infer`
  const answer = await world.http.inject({ method: 'POST', url, headers, payload })
  const length = Number(
    answer.headers['inference-header-content-length'] ?? answer.rawPayload.length,
  )
  return {
    described: JSON.parse(answer.rawPayload.subarray(0, length).toString()),
    block: answer.rawPayload.subarray(length),
  }
}

async function get(url: string) {
  const answer = await world.http.inject(url)
  return { status: answer.statusCode, json: answer.json() }
}
