import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'

// Models that another system serves are watched: it tells of its predictions, and of what turned out to be true.

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => {
  await server.stop()
})
let tested = 0
afterEach(() => {
  tested += 1
})
/** Each test has an endpoint of its own. */
const at = () => `fraud-${tested}`

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const sent = typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body)
  const answer = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: sent as string }),
  })
  const text = await answer.text()
  const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  return { status: answer.status, json }
}

const declare = (more = {}) => ask('POST', '/endpoints', { name: at(), elsewhere: true, ...more })

const told = (id: string, more = {}) => ({
  id,
  modelVersion: 'xgb-2026-01',
  time: START,
  key: `customer-${id}`,
  inputs: { amount: 12.5, country: 'DE' },
  outputs: { probability: 0.7 },
  ...more,
})

test('predictions of a model that is served elsewhere are kept once, however often they are told', async () => {
  const made = await declare()
  expect(made).toMatchObject({ status: 201, json: { elsewhere: true, live: null } })
  const body = { endpoint: at(), predictions: [told('a'), told('b', { latencyMs: 3 })] }
  expect(await ask('POST', '/predictions', body)).toEqual({
    status: 200,
    json: { accepted: 2, unchanged: 0, ids: ['a', 'b'] },
  })
  const again = { endpoint: at(), predictions: [told('b', { latencyMs: 3 }), told('c')] }
  expect((await ask('POST', '/predictions', again)).json).toEqual({
    accepted: 1,
    unchanged: 1,
    ids: ['b', 'c'],
  })
  const { json } = await ask('GET', `/endpoints/${at()}/predictions`)
  expect(json['predictions']).toHaveLength(3)
  const shown = await ask('GET', `/predictions/b?endpoint=${at()}`)
  expect(shown.json).toMatchObject({
    toldAs: 'b',
    endpoint: at(),
    modelVersion: 'xgb-2026-01',
    revision: 1,
    latencyMs: 3,
    inputs: { amount: 12.5, country: 'DE' },
    outputs: { probability: 0.7 },
  })
  const endpoint = await ask('GET', `/endpoints/${at()}`)
  expect(endpoint.json).toMatchObject({ live: { modelVersion: 'xgb-2026-01', revision: 1 } })
})

test('an id that was told with other contents is refused, and nothing of the request is kept', async () => {
  await declare()
  await ask('POST', `/predictions?endpoint=${at()}`, [told('a')])
  const refused = await ask('POST', `/predictions?endpoint=${at()}`, [
    told('new'),
    told('a', { outputs: { probability: 0.1 } }),
  ])
  expect(refused.status).toBe(409)
  expect(String(refused.json['detail'])).toContain(`prediction a of endpoint ${at()}`)
  const { json } = await ask('GET', `/endpoints/${at()}/predictions`)
  expect(json['predictions']).toHaveLength(1)
})

test('truths are told by the id or the key that the other system knows, before or after', async () => {
  await declare()
  await ask('POST', `/endpoints/${at()}/ground-truth`, {
    truths: [{ prediction: 'early', label: 1 }],
  })
  await ask('POST', `/predictions?endpoint=${at()}`, [
    told('early'),
    told('late'),
    told('keyed'),
    told('with', { label: 0 }),
  ])
  const reported = await ask('POST', `/endpoints/${at()}/ground-truth`, {
    truths: [
      { prediction: 'late', label: 0 },
      { key: 'customer-keyed', label: 1 },
      { prediction: 'early', label: 1 },
    ],
  })
  expect(reported.json).toEqual({ accepted: 2, unchanged: 1, replaced: 0, unknown: 0 })
  const labels = async (id: string) =>
    ((await ask('GET', `/predictions/${id}?endpoint=${at()}`)).json['truth'] as { label: unknown })
      .label
  expect(await Promise.all(['early', 'late', 'keyed', 'with'].map(labels))).toEqual([1, 0, 1, 0])
  const { json } = await ask('GET', `/endpoints/${at()}/predictions`)
  const rows = json['predictions'] as { label: number }[]
  expect(rows.map(({ label }) => label).toSorted((one, other) => one - other)).toEqual([0, 0, 1, 1])
})

test('lines of JSON, packed or not, are read as lists are', async () => {
  await declare()
  const lines = `${JSON.stringify(told('a'))}\n\n${JSON.stringify({ ...told('b'), outputs: 1 })}\n`
  const ndjson = { 'content-type': 'application/x-ndjson' }
  const first = await ask('POST', `/predictions?endpoint=${at()}`, lines, ndjson)
  expect(first.json).toMatchObject({ accepted: 2 })
  const { gzipSync } = await import('node:zlib')
  const packed = gzipSync(JSON.stringify(told('c', { endpoint: at() })))
  const second = await ask('POST', '/predictions', packed, { 'content-encoding': 'gzip' })
  expect(second.json).toMatchObject({ accepted: 1, ids: ['c'] })
  expect((await ask('GET', `/predictions/b?endpoint=${at()}`)).json).toMatchObject({
    outputs: { prediction: 1 },
  })
})

test.each([
  ['{"predictions": [', 'is no JSON'],
  [{ predictions: [told('a', { time: 'yesterday' })] }, 'prediction 0 has the time'],
  [{ predictions: [told('a', { time: Date.now() + 9 * DAY })] }, 'in the future'],
  [{ predictions: [told('a'), told('b', { outputs: {} })] }, 'prediction 1 has no outputs'],
  [{ predictions: [told('a', { inputs: { x: { y: 1 } } })] }, 'inputs.x is an object'],
  [{ predictions: [told('a', { colour: 1 })] }, '"colour"'],
  [{ predictions: [told('a', { latencyMs: -1 })] }, 'latencyMs'],
  [{ predictions: [told('a'), told('a', { key: 'x' })] }, 'another one in the same report'],
  [{ predictions: [told('a', { endpoint: 'nowhere' })] }, 'no endpoint nowhere'],
  [{ predictions: Array.from({ length: 10_001 }, () => told('a')) }, 'at most 10000'],
  ['[{"id": "a", "outputs": 1, "label": Infinity}]', 'label must be a finite number'],
])(
  'what cannot be kept is refused with its reason, and leaves nothing: %#',
  async (body, words) => {
    await declare()
    const refused = await ask('POST', `/predictions?endpoint=${at()}`, body)
    expect(refused.status).toBeGreaterThanOrEqual(400)
    expect(refused.status).toBeLessThan(500)
    expect(String(refused.json['detail'])).toContain(words)
    const { json } = await ask('GET', `/endpoints/${at()}/predictions`)
    expect(json['predictions']).toEqual([])
  },
)

test('what is answered elsewhere is neither loaded nor routed here', async () => {
  await declare()
  const rolled = await ask('POST', `/endpoints/${at()}/rollout`)
  expect(rolled).toMatchObject({ status: 409 })
  expect(String(rolled.json['detail'])).toContain('answered elsewhere')
  expect((await ask('POST', `/endpoints/${at()}/load`)).status).toBe(409)
  expect((await ask('DELETE', `/endpoints/${at()}`)).status).toBe(204)
  expect((await declare({ monitor: { window: { size: 'soon' } } })).status).toBe(400)
})
