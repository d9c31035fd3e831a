import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runPython } from '../../support/python.ts'
import { fixtureModels, LOCAL, openServing, type ServingWorld } from '../../support/serving.ts'

const MODELS = join(import.meta.dirname, '..', '..', 'fixtures', 'models')
let world: ServingWorld
let url: string

beforeAll(async () => {
  const models = fixtureModels()
  models.set('late', 1, 'flights')
  models.set('pick', 1, 'pick', [{ name: 'index', type: 'long', required: true }])
  models.set('matrix', 1, 'matrix')
  world = await openServing({ models: models.source })
  for (const name of ['late', 'pick', 'matrix']) {
    await world.serving.declareEndpoint(LOCAL, {
      name,
      project: 'example',
      model: `models:/${name}/1`,
      shadows: [],
      monitor: null,
    })
    await world.serving.rollOut(LOCAL, name)
  }
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

const json = 'application/json'
const matrix = [
  [1, 2, 3, 4.5],
  [-1, 0.5, 0.25, 0],
]
/** Requests that MLflow's scoring server and this one answer alike. */
const alike = [
  post('pick', json, { dataframe_split: { columns: ['index'], data: [[0], [2]] } }),
  post('pick', json, {
    dataframe_split: { columns: ['index', 'more'], data: [[1, 'x']], index: [7] },
  }),
  post('pick', json, { dataframe_records: [{ index: 1 }, { index: 0, more: null }] }),
  post('pick', json, { instances: [{ index: 2 }] }),
  post('pick', json, { inputs: { index: [0, 1, 2] } }),
  post('pick', `${json}; charset=utf-8`, { dataframe_records: [{ index: 1 }], params: {} }),
  post('pick', 'text/csv', 'index,more\n1,a\n2,b\n'),
  post('matrix', json, { inputs: matrix }),
  post('matrix', json, { instances: matrix }),
  post('pick', json, { dataframe_records: [{ other: 1 }] }),
  post('pick', json, { dataframe_records: [{ index: 99 }] }),
  post('pick', json, { dataframe_records: [{ index: 'a' }] }),
  post('pick', json, { dataframe_split: { columns: ['index', 'b'], data: [[1]] } }),
  post('pick', json, { instances: [{ index: 2 }], inputs: { index: [1] } }),
  post('pick', json, {}),
  post('pick', json, [1]),
  post('pick', json, '{"dataframe_records": ['),
  post('pick', 'text/plain', 'index'),
  post('pick', `${json}; charset=latin-1`, '{}'),
  { model: 'pick', method: 'GET', path: '/ping', type: json, body: '' },
  { model: 'pick', method: 'GET', path: '/health', type: json, body: '' },
  { model: 'pick', method: 'GET', path: '/version', type: json, body: '' },
]

test('MLflow’s scoring server answers the same requests the same way', async () => {
  const theirs = (await runPython(script('mlflow_scoring'), {
    ORRERY_MODELS: MODELS,
    ORRERY_REQUESTS: JSON.stringify(alike),
  })) as { status: number; body: string }[]
  // The first ones are answered; were they all refused alike, nothing would be shown.
  expect(theirs.map(({ status }) => status).slice(0, 9)).toEqual(Array(9).fill(200))
  for (const [index, { model, method, path, type, body }] of alike.entries()) {
    const answer = await fetch(`${url}/endpoints/${model}${path}`, {
      method,
      headers: { 'content-type': type },
      ...(method === 'POST' ? { body } : {}),
    })
    const ours = { status: answer.status, body: told(await answer.text()) }
    const expected = { status: theirs[index]?.status, body: told(theirs[index]?.body ?? '') }
    expect([body, ours]).toEqual([body, expected])
  }
})

/** What an answer tells: its values, or which kind of failure; the words of failures are each server's own. */
function told(body: string): unknown {
  try {
    const value = JSON.parse(body) as { error_code?: string }
    return value.error_code === undefined ? rounded(value) : 'a failure'
  } catch {
    return body.startsWith('{') || body.includes(' ') ? 'words' : body
  }
}

/** Six digits: the two answer with the same floats, but print them with other code. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(6))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rounded(each)]))
}

function post(model: string, type: string, body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { model, method: 'POST', path: '/invocations', type, body: text }
}

function script(name: string): string {
  return readFileSync(join(import.meta.dirname, 'scripts', `${name}.py`), 'utf8')
}
