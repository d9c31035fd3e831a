import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTracking, USER, type TrackingWorld } from '../support/tracking.ts'

let world: TrackingWorld
beforeEach(async () => {
  world = await openTracking()
})
afterEach(() => world.close())

const API = '/api/2.0/mlflow'
const FILES = '/api/2.0/mlflow-artifacts/artifacts'

async function post(path: string, payload: object) {
  const answer = await world.http.inject({ method: 'POST', url: `${API}/${path}`, payload })
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() }
}

async function get(url: string) {
  const answer = await world.http.inject({ method: 'GET', url })
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() }
}

async function newRun(): Promise<string> {
  return (await world.tracking.startRun(USER, { name: 'r' })).runId
}

test('a run on the wire has both identifiers, whole numbers as numbers, and no empty lists', async () => {
  const runId = await newRun()
  const { body } = await get(`${API}/runs/get?run_uuid=${runId}`)
  expect(body).toEqual({
    run: {
      info: {
        run_id: runId,
        run_uuid: runId,
        run_name: 'r',
        experiment_id: '0',
        user_id: '',
        status: 'RUNNING',
        start_time: world.clock.nowMs(),
        artifact_uri: `mlflow-artifacts:/0/${runId}/artifacts`,
        lifecycle_stage: 'active',
      },
      data: { tags: [{ key: 'mlflow.runName', value: 'r' }] },
      inputs: {},
      outputs: {},
    },
  })
})

test('values that JSON has no numbers for go both ways as texts', async () => {
  const runId = await newRun()
  const log = (key: string, value: unknown) =>
    post('runs/log-metric', { run_id: runId, key, value, timestamp: '5', step: '-2' })
  expect((await log('nan', 'NaN')).status).toBe(200)
  expect((await log('inf', '-Infinity')).status).toBe(200)
  expect((await log('bad', 'many')).body['error_code']).toBe('INVALID_PARAMETER_VALUE')
  const { body } = await get(`${API}/runs/get?run_id=${runId}`)
  expect((body['run'] as { data: { metrics: unknown } }).data.metrics).toEqual([
    { key: 'inf', value: -Number.MAX_VALUE, timestamp: 5, step: -2 },
    { key: 'nan', value: 'NaN', timestamp: 5, step: -2 },
  ])
})

test.each([
  ['runs/log-metric', { run_id: 'r', key: 'k', timestamp: 1 }, "required parameter 'value'"],
  ['runs/log-batch', { run_id: 'r', metrics: [{ key: 'k', value: 1 }] }, "'metrics[0].timestamp'"],
  [
    'runs/log-metric',
    { run_id: 'r', key: 'k', value: 1, timestamp: 'soon' },
    "parameter 'timestamp'",
  ],
  ['runs/log-parameter', { key: 'k' }, "required parameter 'run_id'"],
  ['runs/log-parameter', { run_id: 'r', runId: 'r', key: 'k' }, 'twice'],
  ['experiments/create', { name: '' }, "required parameter 'name'"],
  ['experiments/create', { name: 'x', tags: 'x' }, 'tags'],
  ['experiments/create', { name: 7 }, 'Invalid value 7'],
  ['runs/log-parameter', { run_id: 'r', key: 'a\0b' }, 'NUL'],
])('a request that lacks something says what: %s %j', async (path, payload, words) => {
  const { status, body } = await post(path, payload)
  expect([status, body['error_code']]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
  expect(body['message']).toContain(words)
})

test('unknown paths are told in JSON on both prefixes', async () => {
  for (const url of [`${API}/nothing`, '/ajax-api/2.0/mlflow/nothing', '/api/3.0/mlflow/nothing'])
    expect(await get(url)).toMatchObject({
      status: 404,
      body: { error_code: 'ENDPOINT_NOT_FOUND' },
    })
})

test('pages follow each other by their tokens and end without one', async () => {
  const runId = await newRun()
  for (let step = 0; step < 5; step++)
    await world.tracking.logMetrics(runId, [{ key: 'loss', value: step, step, atMs: step }])
  const steps: number[] = []
  let token = ''
  for (let pages = 0; pages < 4; pages++) {
    const url = `${API}/metrics/get-history?run_id=${runId}&metric_key=loss&max_results=2&page_token=${token}`
    const { body } = await get(url)
    steps.push(...(body['metrics'] as { step: number }[]).map((metric) => metric.step))
    if (body['next_page_token'] === undefined) break
    token = encodeURIComponent(body['next_page_token'] as string)
  }
  expect(steps).toEqual([0, 1, 2, 3, 4])
})

test('a file is longer than any body may be, and comes back with its length as an attachment', async () => {
  const bytes = Buffer.alloc(1024 * 1024, 'orrery')
  const url = `${FILES}/0/r/artifacts/deep/a%20b.bin`
  const put = await world.http.inject({ method: 'PUT', url, payload: Readable.from([bytes]) })
  expect([put.statusCode, put.body]).toEqual([200, ''])
  const got = await world.http.inject({ method: 'GET', url })
  expect(got.rawPayload.equals(bytes)).toBe(true)
  expect(got.headers).toMatchObject({
    'content-length': String(bytes.length),
    'content-disposition': "attachment; filename*=UTF-8''a%20b.bin",
    'x-content-type-options': 'nosniff',
  })
  expect((await get(`${FILES}?path=0/r/artifacts/deep`)).body).toEqual({
    files: [{ path: 'a b.bin', is_dir: false, file_size: bytes.length }],
  })
})

test.each([[{}], [{ 'content-type': 'application/json' }], [{ 'content-type': 'text/html; x=y' }]])(
  'a file is taken as it is, whatever its type is said to be: %j',
  async (headers) => {
    const url = `${FILES}/0/r/artifacts/f`
    const put = await world.http.inject({ method: 'PUT', url, headers, payload: '{broken' })
    expect(put.statusCode).toBe(200)
    expect((await world.http.inject({ method: 'GET', url })).body).toBe('{broken')
    const empty = await world.http.inject({ method: 'PUT', url, headers })
    expect(empty.statusCode).toBe(200)
    expect((await get(`${FILES}?path=0/r/artifacts`)).body).toEqual({
      files: [{ path: 'f', is_dir: false }],
    })
  },
)

test('an upload that breaks off leaves nothing behind', async () => {
  await world.http.listen({ host: '127.0.0.1', port: 0 })
  const { port } = world.http.server.address() as AddressInfo
  const path = `${FILES}/0/r/artifacts/half`
  const headers = { 'content-length': '1000000' }
  const upload = request({ host: '127.0.0.1', port, path, method: 'PUT', headers })
  const broken = new Promise((resolve) => upload.once('error', resolve))
  upload.write(Buffer.alloc(1000))
  await new Promise((resolve) => setTimeout(resolve, 100))
  upload.destroy()
  await broken
  expect((await world.http.inject({ method: 'GET', url: path })).statusCode).toBe(404)
})

test.each(['a/%252e%252e/%252e%252e/b', '%2Fetc', 'a%5Cb', 'a//b', 'a%00b', 'C:%5Cx'])(
  'a path that leads elsewhere is refused: %s',
  async (path) => {
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const answer = await world.http.inject({ method, url: `${FILES}/${path}` })
      expect([method, answer.statusCode]).toEqual([method, 400])
      expect(answer.json()).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' })
    }
  },
)

test('keys that mean something to JavaScript are keys like others', async () => {
  const runId = await newRun()
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    await post('runs/log-parameter', { run_id: runId, key, value: key })
    await post('runs/log-metric', { run_id: runId, key, value: 1, timestamp: 1 })
    await post('runs/set-tag', { run_id: runId, key, value: key })
  }
  const { body } = await get(`${API}/runs/get?run_id=${runId}`)
  const { data } = body['run'] as { data: Record<string, { key: string }[]> }
  for (const list of ['params', 'metrics', 'tags'])
    expect(data[list]?.map((each) => each.key)).toContain('__proto__')
  const payload = '{"__proto__": {"name": "mine"}, "constructor": 7, "name": "plain"}'
  const headers = { 'content-type': 'application/json' }
  const made = await world.http.inject({
    method: 'POST',
    url: `${API}/experiments/create`,
    headers,
    payload,
  })
  expect(made.statusCode).toBe(200)
  expect(({} as Record<string, unknown>)['name']).toBeUndefined()
})

test.each([
  ['a body of brackets', 'runs/log-batch', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
  ['a deep field', 'runs/log-batch', `{"metrics":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
  [
    'a time beyond all',
    'runs/log-metric',
    '{"key":"k","value":1,"timestamp":"9223372036854775807"}',
  ],
  ['a step beyond all', 'runs/log-metric', '{"key":"k","value":1,"timestamp":1,"step":1e300}'],
  ['a page beyond all', 'runs/search', '{"experiment_ids":["0"],"max_results":9007199254740993}'],
  ['an id beyond all', 'runs/search', '{"experiment_ids":["99999999999999999999"]}'],
  ['an id that is a list', 'runs/log-metric', '{"run_id":["a"],"key":"k","value":1,"timestamp":1}'],
  ['NUL in an id', 'runs/log-parameter', '{"run_id":"a\\u0000b","key":"k"}'],
])('%s is refused, and the server goes on', async (_, path, text) => {
  const runId = await newRun()
  const payload = text.startsWith('{"key"') ? text.replace('{', `{"run_id":"${runId}",`) : text
  const headers = { 'content-type': 'application/json' }
  const answer = await world.http.inject({
    method: 'POST',
    url: `${API}/${path}`,
    headers,
    payload,
  })
  expect(answer.statusCode).toBe(400)
  expect(answer.json()).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE' })
  expect((await get(`${API}/runs/get?run_id=${runId}`)).status).toBe(200)
})
