import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  sliceRows,
  type InferOptions,
  type PythonSettings,
  type ServingProcess,
  type Tensor,
} from '#inference'
import { pythonBin, runPython } from '../../support/python.ts'
import { savedModels, testPythons } from '../../support/python-models.ts'
import { column, FLIGHTS, NAN, NUMBERS, printed, WORDS } from './python-answers.ts'
import { LOCAL, openServing, serveModel, type ServingWorld } from '../../support/serving.ts'

type Told = Record<string, unknown> & { forms: Record<string, unknown> }

const live: InferOptions = { role: 'live' }
const started: ServingProcess[] = []
const shared = new Map<string, Promise<ServingProcess>>()
let folder = ''
/** What MLflow says with the same models to the same inputs. */
let told: Told

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-models-'))
  const script = readFileSync(join(import.meta.dirname, 'scripts', 'python_models.py'), 'utf8')
  told = (await runPython(script, { ORRERY_MODELS: folder })) as Told
}, 120_000)
afterEach(() => stopAll(started.splice(0)))
afterAll(async () => {
  await stopAll(await Promise.all(shared.values()))
  await rm(folder, { recursive: true, force: true })
})

async function stopAll(processes: readonly ServingProcess[]) {
  await Promise.all(processes.map((each) => each.stop()))
}

/** One that other tests use too: starting Python takes its time. */
function sharing(name: string): Promise<ServingProcess> {
  const process = shared.get(name) ?? start(name)
  shared.set(name, process)
  return process
}

/** One that ends with the test. */
async function serve(name: string, options?: Asked): Promise<ServingProcess> {
  const process = await start(name, options)
  started.push(process)
  return process
}

interface Asked {
  timeoutMs?: number
  python?: PythonSettings
  onRestart?: (why: string) => void
}

function start(name: string, options: Asked = {}): Promise<ServingProcess> {
  const { python = {}, ...others } = options
  const runtime = testPythons()
  return runtime.start({
    name: `endpoint ${name}`,
    timeoutMs: 20_000,
    models: [{ key: name, path: join(folder, name), optional: false, runs: 'python', python }],
    ...others,
  })
}

describe('a model answers as MLflow does with it:', () => {
  test('a pipeline of scikit-learn with texts, gaps and categories that it has not seen', async () => {
    const process = await sharing('sklearn')
    expect(process.shapes.get('sklearn')).toEqual({
      inputs: [
        { name: 'carrier', type: 'string', shape: [null, 1], optional: true, nullable: true },
        { name: 'hour', type: 'float64', shape: [null, 1], optional: true },
        { name: 'distance', type: 'int64', shape: [null, 1] },
      ],
      outputs: [{ name: 'predictions', type: 'int64', shape: [null] }],
    })
    expect(printed(await process.infer('sklearn', FLIGHTS, live))).toEqual(told['sklearn'])
  })

  test.each(['proba', 'xgboost', 'lightgbm'])('%s', async (name) => {
    const process = await sharing(name)
    const outputs = await process.infer(name, name === 'proba' ? FLIGHTS : NUMBERS, live)
    expect(printed(outputs)).toEqual(told[name])
  })

  test('a model without a signature, kept by skops', async () => {
    const process = await sharing('unsigned')
    expect(process.shapes.get('unsigned')?.inputs).toEqual([
      { name: 'input', type: 'float64', shape: [null, 1] },
    ])
    const input = column('input', 'float64', [100, 2500])
    expect(printed(await process.infer('unsigned', [input], live))).toEqual(told['unsigned'])
  })

  test('a model of own code, with its other files and with parameters', async () => {
    const process = await sharing('shout')
    const params = { ...live, params: { times: 3 } }
    expect(printed(await process.infer('shout', WORDS, params))).toEqual(told['shout'])
    expect(printed(await process.infer('shout', WORDS, live))).toEqual(told['quiet'])
    await expect(
      process.infer('shout', WORDS, { ...live, params: { times: 'many' } }),
    ).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('times') })
  })

  test('every form of answer', async () => {
    const process = await sharing('forms')
    for (const [form, expected] of Object.entries(told.forms)) {
      const outputs = await process.infer('forms', WORDS, { ...live, params: { form } })
      expect([form, printed(outputs)]).toEqual([form, expected])
    }
  })

  test('every type of column, as the frame that MLflow would have made', async () => {
    const process = await sharing('types')
    const outputs = await process.infer(
      'types',
      [
        column('flag', 'bool', [true, false]),
        column('small', 'int32', [1, -2]),
        column('big', 'int64', [2n ** 53n + 1n, -1n]),
        column('single', 'float32', [0.1, NAN]),
        column('double', 'float64', [0.1, NAN]),
        column('text', 'string', ['ä', null]),
        column('bytes', 'string', ['AAE=', '']),
        column('when', 'string', ['2026-01-02T03:04:05', '2026-01-02T03:04:06']),
      ],
      live,
    )
    expect(printed(outputs)).toEqual(told['types'])
  })

  test('tensors, named and unnamed', async () => {
    const named = await sharing('tensors')
    const x: Tensor = {
      name: 'x',
      type: 'float32',
      shape: [2, 2],
      data: Float32Array.of(1, 1, 1, 1),
    }
    const y: Tensor = {
      name: 'y',
      type: 'int64',
      shape: [2],
      data: BigInt64Array.of(2n ** 60n + 1n, -1n),
    }
    expect(printed(await named.infer('tensors', [x, y], live))).toEqual(told['tensors'])
    const matrix = await sharing('matrix')
    const input: Tensor = {
      name: 'input',
      type: 'float64',
      shape: [1, 3],
      data: Float64Array.of(1, 2, NAN),
    }
    expect(printed(await matrix.infer('matrix', [input], live))).toEqual(told['matrix'])
  })
})

test('calls that come together each get their own rows, also across several processes', async () => {
  const process = await serve('proba', { python: { workers: 2 } })
  const row = (index: number) => FLIGHTS.map((each) => sliceRows(each, index, index + 1))
  const asked = async (index: number) =>
    (printed(await process.infer('proba', row(index), live)) as number[][]).flat()
  const alone: number[][] = []
  for (let index = 0; index < 6; index += 1) alone.push(await asked(index))
  expect(new Set(alone.map(([share]) => share?.toFixed(6))).size).toBe(6)
  const answers = await Promise.all(Array.from({ length: 120 }, (_, index) => asked(index % 6)))
  // Some processors add up one row in another order than several.
  for (const [index, answer] of answers.entries())
    expect(answer).toEqual(
      (alone[index % 6] ?? []).map((share) => expect.closeTo(share, 12) as number),
    )
})

describe('a model that misbehaves:', () => {
  const asked = (...what: string[]) => [column('what', 'string', what)]

  test('what it raises is told without where it lies', async () => {
    const process = await sharing('bad')
    const refused = await process.infer('bad', asked('raise'), live).catch((error) => error)
    expect(refused).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('ValueError: this cannot be, says model.py'),
    })
    expect(refused.message).not.toContain('/')
    await expect(process.infer('bad', asked('quit'), live)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('SystemExit: no more of this'),
    })
  })

  test('one that ends its process costs the call that asked for it alone', async () => {
    const restarts: string[] = []
    const process = await serve('bad', { onRestart: (why) => restarts.push(why) })
    for (const what of ['exit', 'crash', 'meddle']) {
      const calls = [what, 'well', 'better'].map((each) => process.infer('bad', asked(each), live))
      const [bad, ...others] = await Promise.allSettled(calls)
      expect(bad).toMatchObject({
        reason: { code: 'unavailable', message: expect.stringContaining(`asked to ${what}`) },
      })
      expect(others).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }])
      expect(String((bad as PromiseRejectedResult).reason)).not.toMatch(/\/\w+\/\w+/)
      expect(restarts.at(-1)).toContain({ exit: 'code 7', crash: 'SIGSEGV' }[what] ?? 'SIGKILL')
    }
  }, 90_000)

  test('one that never answers is ended in time, and costs that call alone', async () => {
    const process = await sharing('bad')
    for (const what of ['spin', 'sleep']) {
      const hanging = process.infer('bad', asked(what), { ...live, timeoutMs: 500 })
      const behind = process.infer('bad', asked('well'), live)
      const answers = await Promise.allSettled([hanging, behind])
      expect(answers).toMatchObject([
        { status: 'rejected', reason: { code: 'timeout' } },
        { status: 'fulfilled' },
      ])
    }
  }, 90_000)

  test('one that wants more memory than it may have is refused, and goes on', async () => {
    const process = await serve('bad', { python: { memoryBytesMax: 2 * 1024 ** 3 } })
    await expect(process.infer('bad', asked('hog'), live)).rejects.toMatchObject({
      code: 'limit',
      message: expect.stringContaining('2048 MiB'),
    })
    expect(printed(await process.infer('bad', asked('well'), live))).toEqual(['did well'])
  })

  test('one that prints without end does not fill the server', async () => {
    const process = await sharing('bad')
    expect(printed(await process.infer('bad', asked('babble'), live))).toEqual(['did babble'])
  })

  test('it sees nothing of the server’s environment', async () => {
    process.env['ORRERY_TEST_SECRET'] = 'hidden'
    const { infer } = await sharing('bad')
    const [names] = printed(await infer('bad', asked('environment'), live)) as [string]
    expect(JSON.parse(names)).toContain('PATH')
    expect(names).not.toContain('ORRERY')
    delete process.env['ORRERY_TEST_SECRET']
  })

  test('one that is killed under load leaves no call without its own answer', async () => {
    const served = await serve('shout', { python: { workers: 2 } })
    const calls = Array.from({ length: 200 }, (_, index) =>
      served.infer('shout', [column('text', 'string', [`n${index}`])], live),
    )
    process.kill(served.pid ?? 0, 'SIGKILL')
    const answers = await Promise.allSettled(calls)
    for (const [index, answer] of answers.entries())
      if (answer.status === 'fulfilled')
        expect(printed(answer.value)).toMatchObject([{ said: `N${index}!` }])
      else expect(answer.reason).toMatchObject({ code: 'unavailable' })
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(200)
  }, 60_000)
})

test('a server that is killed leaves no process behind, not even one that a model keeps busy', async () => {
  const server = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `const { pythonRuntime } = await import('#runtimes/python/index')
       const logger = { warn: () => undefined, info: () => undefined }
       const runtime = pythonRuntime({ logger, pythonFor: async () => process.env.PYTHON, variables: {} })
       const models = [{ key: 'bad', path: process.env.MODEL, optional: false, runs: 'python' }]
       const serving = await runtime.start({ name: 'test', timeoutMs: 60_000, models })
       const what = { name: 'what', type: 'string', shape: [1, 1], data: ['spin'] }
       serving.infer('bad', [what], { role: 'live' })
       setTimeout(() => console.log(serving.pid), 500)`,
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PYTHON: join(pythonBin(), 'python'), MODEL: join(folder, 'bad') },
    },
  )
  const [said] = (await once(server.stdout, 'data')) as [Buffer]
  const child = Number(said.toString())
  process.kill(child, 0)
  server.kill('SIGKILL')
  await expect.poll(() => isRunning(child), { timeout: 10_000 }).toBe(false)
}, 60_000)

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('while it is made ready, an endpoint says what it waits for', async () => {
  const gate = Promise.withResolvers<string>()
  const runtime = testPythons(async (_, onProgress) => {
    onProgress('installing 12 packages: numpy')
    return gate.promise
  })
  const { serving, plane, close } = await openServing({ models: savedModels(folder), runtime })
  const name = 'sklearn'
  const model = 'models:/sklearn/1'
  await serving.declareEndpoint(LOCAL, {
    name,
    project: 'example',
    model,
    shadows: [],
    monitor: null,
  })
  const rolledOut = serving.rollOut(LOCAL, name)
  await expect
    .poll(() => plane.standings())
    .toMatchObject([{ state: 'loading', reason: 'installing 12 packages: numpy' }])
  gate.resolve(join(pythonBin(), 'python'))
  await rolledOut
  expect(plane.standings()).toMatchObject([{ state: 'ready', reason: null }])
  expect(await plane.describe(name)).toMatchObject({ flavor: 'sklearn' })
  await close()
}, 60_000)

describe('over HTTP', () => {
  let world: ServingWorld
  let url = ''
  beforeAll(async () => {
    world = await openServing({ models: savedModels(folder), runtime: testPythons() })
    for (const name of ['sklearn', 'forms', 'types', 'bad']) await serveModel(world, name)
    url = await world.http.listen({ host: '127.0.0.1', port: 0 })
  }, 120_000)
  afterAll(() => world.close())

  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: answer.status, text: await answer.text() }
  }
  const scored = async (name: string, body: unknown) => {
    const { status, text } = await post(`/endpoints/${name}/invocations`, body)
    expect([status, text]).toEqual([200, expect.any(String)])
    return (JSON.parse(text.replaceAll('NaN', 'null')) as { predictions: unknown }).predictions
  }

  test('rows with gaps and without optional columns are answered as MLflow answers them', async () => {
    const columns = ['carrier', 'hour', 'distance']
    const data = [
      ['AA', 1, 100],
      ['UA', 2, 200],
      [null, null, 300],
      ['AA', 4, 400],
      ['B6', 23, 2500],
      ['UA', 12, 1200],
    ]
    expect(await scored('sklearn', { dataframe_split: { columns, data } })).toEqual(told['sklearn'])
    const typed = {
      flag: [true, false],
      small: [1, -2],
      single: [0.1, null],
      double: [0.1, null],
      text: ['ä', null],
      bytes: ['AAE=', ''],
      when: ['2026-01-02T03:04:05', '2026-01-02T03:04:06'],
    }
    const exact = `${JSON.stringify({ inputs: typed }).slice(0, -2)},"big":[9007199254740993,-1]}}`
    const answer = await fetch(`${url}/endpoints/types/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: exact,
    })
    expect(await answer.json()).toEqual({ predictions: told['types'] })
  })

  test('every form of answer is told as MLflow tells it, and is in the log', async () => {
    for (const [form, expected] of Object.entries(told.forms)) {
      const dataframe_records = [{ text: 'a' }, { text: 'bc' }]
      const answer = await scored('forms', { dataframe_records, params: { form } })
      expect([form, answer]).toEqual([form, expected])
    }
  })

  test('the Open Inference Protocol takes a tensor for each column', async () => {
    const inputs = [
      { name: 'carrier', datatype: 'BYTES', shape: [1, 1], data: ['AA'] },
      { name: 'hour', datatype: 'FP64', shape: [1, 1], data: [1] },
      { name: 'distance', datatype: 'INT64', shape: [1], data: [100] },
    ]
    const { status, text } = await post('/v2/models/sklearn/infer', { id: 'oip-1', inputs })
    expect([status, JSON.parse(text)]).toMatchObject([
      200,
      { outputs: [{ name: 'predictions', datatype: 'INT64', shape: [1], data: [0] }] },
    ])
    expect((await world.log.find('oip-1-0'))?.inputs).toMatchObject({ carrier: 'AA', hour: 1 })
  })

  test('what a model raises is the caller’s to see, and what ends it is not held against others', async () => {
    const bad = (what: string) =>
      post('/endpoints/bad/invocations', { dataframe_records: [{ what }] })
    const answers = await Promise.all(['raise', 'exit', 'well'].map(bad))
    expect(answers.map(({ status }) => status)).toEqual([400, 503, 200])
    expect(answers[0]?.text).toContain('ValueError: this cannot be, says model.py')
    const flight = { carrier: 'AA', hour: 1, distance: 100 }
    expect(await scored('sklearn', { dataframe_records: [flight] })).toEqual([0])
  }, 60_000)
})
