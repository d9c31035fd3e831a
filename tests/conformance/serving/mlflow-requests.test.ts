import Fastify, { type FastifyInstance } from 'fastify'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { servableOf, type LocalPlane, type Runtime } from '#inference'
import { describeMlModel } from '#protocols/mlflow/mlmodel'
import { mlflowScoringProtocol } from '#protocols/mlflow-scoring/index'
import { onnxRuntime } from '#runtimes/onnx/index'
import { savedModels, testPythons } from '../../support/python-models.ts'
import { openPlane, type PlacedModel } from '../../support/plane.ts'
import { openServing, serveModel } from '../../support/serving.ts'
import { DIFFERENCES, type Difference } from './mlflow-requests/differences.ts'
import { STORIES, type Asked } from './mlflow-requests/requests.ts'
import { MODELS, toldByMlflow, type Answer } from './mlflow-requests/told.ts'

// The same requests, to MLflow's own scoring server (once: its answers are kept in told/) and to ours: status, error
// code and every value must agree. ORRERY_TEST_RECORD=1 asks MLflow's anew.

/** The flavors that are asked here. */
const FLAVORS = ['onnx', 'python'] as const

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let plane: LocalPlane
let http: FastifyInstance
let told: Awaited<ReturnType<typeof toldByMlflow>>

beforeAll(async () => {
  told = await toldByMlflow(STORIES)
  const names = FLAVORS.flatMap((flavor) => (STORIES[flavor] ?? []).map(({ model }) => model))
  const models = await Promise.all([...new Set(names)].map(savedModel))
  ;({ plane } = await openPlane(models, runtime()))
  http = Fastify()
  await http.register((app) => mlflowScoringProtocol(app, { inference: plane }), {
    prefix: '/endpoints',
  })
})
afterAll(async () => {
  await http.close()
  await plane.stop()
})

test.each(FLAVORS)('each request is answered as by MLflow’s scoring server: %s', async (flavor) => {
  const wrong: unknown[] = []
  for (const [index, asked] of (STORIES[flavor] ?? []).entries()) {
    const theirs = told[flavor]?.[index]
    const difference = differenceFor(asked)
    const ours = plain(await ask(asked, theirs?.sent))
    const expected = difference?.ours ?? (theirs && plain(theirs))
    if (difference === undefined ? !isSame(ours, expected) : !isAsSaid(ours, difference))
      wrong.push({ asked: brief(asked), expected, ours })
  }
  expect(wrong).toEqual([])
})

test('each difference from MLflow is one', () => {
  const stories = FLAVORS.flatMap((flavor) =>
    (STORIES[flavor] ?? []).map((asked, index) => ({ asked, theirs: told[flavor]?.[index] })),
  )
  const idle = DIFFERENCES.filter(
    (difference) =>
      !stories.some(
        ({ asked, theirs }) =>
          differenceFor(asked) === difference &&
          theirs !== undefined &&
          !isAsSaid(plain(theirs), difference),
      ),
  )
  expect(idle).toEqual([])
})

test('rows are scored with the columns that each of them has', async () => {
  const world = await openServing({ models: savedModels(MODELS), runtime: testPythons() })
  const rows = [{ whole: 1, text: 'a' }, { whole: 2 }, { text: 'c', whole: 3 }]
  const scored = await world.serving.score('python', 1, rows)
  await world.close()
  const params = expect.any(String)
  expect(scored).toEqual([
    { whole: '1', text: '"a"', params },
    { whole: '2', params },
    { whole: '3', text: '"c"', params },
  ])
})

test('columns of bytes, lists and objects may be without rows', async () => {
  const world = await openServing({ models: savedModels(MODELS), runtime: testPythons() })
  await serveModel(world, 'python')
  const none = (name: string, datatype: string) => ({ name, datatype, shape: [0], data: [] })
  const texts = ['text', 'bytes', 'time', 'list', 'object', 'map', 'any']
  const inputs = [none('whole', 'INT64'), ...texts.map((name) => none(name, 'BYTES'))]
  const payload = { inputs }
  const answer = await world.http.inject({
    method: 'POST',
    url: '/v2/models/python/infer',
    payload,
  })
  await world.close()
  expect([answer.statusCode, answer.body]).toEqual([200, expect.stringContaining('"shape":[0]')])
})

function differenceFor(asked: Asked): Difference | undefined {
  return DIFFERENCES.find(({ request }) => request.test(brief(asked)))
}

function isAsSaid([status, value]: Plain, { ours: [expected, shows] }: Difference): boolean {
  const text = JSON.stringify(value)
  const asText = JSON.stringify(shows).slice(1, -1)
  return status === expected && (text.includes(shows) || text.includes(asText))
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function brief({ model, path, type, body, bytes, table }: Asked): string {
  const sent = table === undefined ? (bytes ?? body) : JSON.stringify(table)
  const short = type === 'application/json' ? 'json' : (type ?? 'untyped')
  return `${model} ${path.slice(1)} ${short} ${sent}`
}

async function ask(
  { model, method, path, type, body, bytes }: Asked,
  sent?: string,
): Promise<Answer> {
  const encoded = sent ?? bytes
  const answer = await http.inject({
    method,
    url: `/endpoints/${model}${path}`,
    headers: type === undefined ? {} : { 'content-type': type },
    ...(method === 'GET'
      ? {}
      : { payload: encoded === undefined ? body : Buffer.from(encoded, 'base64') }),
  })
  return {
    status: answer.statusCode,
    type: answer.headers['content-type'] ?? '',
    body: answer.body,
  }
}

type Plain = readonly [number, unknown]

/** What an answer tells: its values, floats apart from whole numbers, or which kind of failure. */
function plain({ status, type, body }: Answer): Plain {
  if (status !== 200 && type.startsWith('text/plain')) return [status, 'text']
  if (status === 200) return [status, values(body)]
  const { error_code: code } = JSON.parse(body) as { error_code?: string }
  return [status, code ?? 'no code']
}

function values(body: string): unknown {
  try {
    return JSON.parse(
      body.replaceAll(
        /"(?:[^"\\]|\\.)*"|NaN|-?Infinity|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g,
        (token) => (token.startsWith('"') ? token : JSON.stringify(numberText(token))),
      ),
    ) as unknown
  } catch {
    return body
  }
}

function numberText(token: string): string {
  if (!/[.eE]/.test(token) || /[Na]/.test(token)) return `integer ${token}`
  return `float ${Number(token)}`
}

/** A model that MLflow saved, as the registry describes it. */
async function savedModel(model: string): Promise<PlacedModel> {
  const folder = join(MODELS, model)
  const files = (await readdir(folder)).map((path) => ({ path, digest: '', sizeBytes: 0 }))
  const description = await describeMlModel(files, async (path) =>
    createReadStream(join(folder, path)),
  )
  return {
    servable: servableOf({ model, version: 1, digest: model, description }),
    files:
      description.onnx === null
        ? { path: folder, runs: 'python' }
        : { path: join(folder, 'model.onnx') },
  }
}

/** Runs each model by what it is. */
function runtime(): Runtime {
  const onnx = onnxRuntime({ logger: pino({ level: 'silent' }) })
  const python = testPythons()
  return {
    start: (options) => (options.models[0]?.runs === 'python' ? python : onnx).start(options),
  }
}
