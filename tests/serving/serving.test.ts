import { afterEach, expect, test } from 'vitest'
import type { Value } from '#inference'
import type { Declaration } from '#serving'
import {
  fixtureModels,
  LOCAL,
  openServing,
  serveModel,
  type ServingWorld,
} from '../support/serving.ts'

const opened: ServingWorld[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

const declaration: Declaration = {
  name: 'flights',
  project: 'example',
  model: 'models:/late@champion',
  shadows: ['models:/late@frozen'],
  monitor: null,
}

test('an endpoint answers by its revision, and the answer is on the log', async () => {
  const { serving, ledger } = await deployed()
  const answer = await serving.predict('flights', { input: rows(3) })
  expect(answer).toMatchObject({ revision: 1, modelVersion: 'late/1', rows: 3 })
  const page = await serving.predictions.window('flights', { fromMs: 0, toMs: 9e15 })
  expect(page.rows.map((row) => [row.id, row.role, row.inputs['hour']])).toEqual([
    [`${answer.batch}-0`, 'live', 0],
    [`${answer.batch}-1`, 'live', 1],
    [`${answer.batch}-2`, 'live', 2],
  ])
  const facts = await ledger.list({ after: -1, limit: 10 })
  expect(facts.map((fact) => fact.type)).toEqual([
    'endpoint-declared',
    'revision-created',
    'rollout-completed',
  ])
  expect(facts[1]?.edges[0]).toEqual({
    from: { kind: 'revision', id: 'flights/1' },
    relation: 'serves',
    to: { kind: 'model-version', id: 'late/1' },
  })
})

test('saying and rolling out the same again changes nothing', async () => {
  const { serving, ledger } = await deployed()
  const size = await ledger.size()
  await serving.declareEndpoint(LOCAL, { ...declaration })
  expect(await serving.rollOut(LOCAL, 'flights')).toBe('unchanged')
  expect(await ledger.size()).toBe(size)
})

test('a rollout under load loses no request, and each answer names the revision that gave it', async () => {
  const { serving, models } = await deployed()
  const going = new AbortController()
  const answers: { revision: number; score: number }[] = []
  const caller = async () => {
    while (!going.signal.aborted) {
      const answer = await serving.predict('flights', { input: rows(1) })
      const [, probabilities] = answer.outputs
      answers.push({ revision: answer.revision, score: Number(probabilities?.data[1]) })
    }
  }
  const callers = Array.from({ length: 4 }, caller)
  for (const version of [2, 1, 2]) {
    models.alias('late@champion', version)
    expect(await serving.rollOut(LOCAL, 'flights')).toBe('rolled-out')
  }
  going.abort()
  await Promise.all(callers)
  answers.push({ ...(await serving.predict('flights', { input: rows(1) })), score: 0.9 })
  expect(new Set(answers.map((answer) => answer.revision))).toContain(4)
  // The two models contradict each other, so the score tells which of them it was.
  for (const { revision, score } of answers) expect(score < 0.5).toBe(revision % 2 === 1)
})

test('a version that does not load or answer leaves the old one serving, and the failure on record', async () => {
  const { serving, models, ledger } = await deployed()
  models.set('late', 3, 'there-is-no-such-file')
  models.alias('late@champion', 3)
  await expect(serving.rollOut(LOCAL, 'flights')).rejects.toMatchObject({ code: 'invalid' })
  expect(await serving.predict('flights', { input: rows(1) })).toMatchObject({ revision: 1 })
  const [failed] = await ledger.newest({ limit: 1 })
  expect(failed).toMatchObject({ type: 'rollout-failed', data: { modelVersion: 'late/3' } })
  expect(await serving.endpoints.get('flights')).toMatchObject({
    live: { number: 1 },
    failure: expect.stringContaining('late/3'),
  })
  models.alias('late@champion', 1)
  expect(await serving.rollOut(LOCAL, 'flights')).toBe('unchanged')
})

test('a shadow is asked beside the live version, and its failure is nobody else’s', async () => {
  const { serving, models } = await deployed()
  models.alias('late@frozen', 2)
  expect(await serving.rollOut(LOCAL, 'flights')).toBe('rolled-out')
  const { batch } = await serving.predict('flights', { input: rows(2) })
  const shadowed = async () => {
    const span = { fromMs: 0, toMs: 9e15 }
    const { rows: said } = await serving.predictions.window('flights', { ...span, role: 'shadow' })
    return said.map((row) => [row.id, row.modelVersion, row.revision])
  }
  await expect.poll(shadowed).toEqual([
    [`${batch}-0`, 'late/2', 2],
    [`${batch}-1`, 'late/2', 2],
  ])
  // This one takes other columns, so it refuses every row.
  models.set('late', 4, 'matrix')
  models.alias('late@frozen', 4)
  await serving.rollOut(LOCAL, 'flights')
  expect(await serving.predict('flights', { input: rows(1) })).toMatchObject({ revision: 1 })
})

test('the champion as its own shadow is asked once and logged in both roles', async () => {
  const { serving, models } = await deployed()
  models.alias('late@frozen', 1)
  await serving.rollOut(LOCAL, 'flights')
  await serving.predict('flights', { input: rows(1) })
  const { rows: logged } = await serving.predictions.window('flights', { fromMs: 0, toMs: 9e15 })
  expect(logged.map((row) => row.role)).toEqual(['live', 'shadow'])
  expect(logged[1]?.outputs).toEqual(logged[0]?.outputs)
})

test('a request that is sent again gets its answer again and is logged once', async () => {
  const { serving, models } = await deployed()
  const ask = () => serving.predict('flights', { id: 'call-1', input: rows(2) })
  const [first, twin] = await Promise.all([ask(), ask()])
  expect(twin).toEqual(first)
  models.alias('late@champion', 2)
  await serving.rollOut(LOCAL, 'flights')
  expect(await ask()).toEqual(first)
  await expect(serving.predict('flights', { id: 'call-1', input: rows(1) })).rejects.toMatchObject({
    code: 'conflict',
  })
  const { rows: logged } = await serving.predictions.window('flights', { fromMs: 0, toMs: 9e15 })
  expect(logged).toHaveLength(2)
})

test('after a restart the same revision answers, and the log has what was acknowledged', async () => {
  const { home, models, ...before } = await deployed()
  const { batch } = await before.serving.predict('flights', { input: rows(1) })
  await before.close()
  opened.splice(opened.indexOf(before as ServingWorld), 1)
  const { serving } = await open(models, { home })
  const start = serving.start()
  // The first request waits while the model is being loaded.
  expect(await serving.predict('flights', { input: rows(1) })).toMatchObject({ revision: 1 })
  await start
  expect(serving.readiness()).toEqual({
    ready: true,
    endpoints: [{ endpoint: 'flights', state: 'ready' }],
  })
  expect(await serving.predictions.find(`${batch}-0`)).toMatchObject({ modelVersion: 'late/1' })
})

test('an unknown endpoint is not found, and one without a version is not ready', async () => {
  const models = fixtureModels()
  const { serving } = await open(models)
  await expect(serving.predict('flights', { input: rows(1) })).rejects.toMatchObject({
    code: 'not-found',
  })
  await serving.declareEndpoint(LOCAL, declaration)
  expect(await serving.rollOut(LOCAL, 'flights')).toBe('waiting')
  await expect(serving.predict('flights', { input: rows(1) })).rejects.toMatchObject({
    code: 'unavailable',
  })
})

test('key and event time of the monitor are taken from the rows and not shown to the model', async () => {
  const models = fixtureModels()
  const { serving } = await deployed(models, {
    window: { size: '1d', by: 'time' },
    key: 'id',
    settle: '1d',
    min_samples: 100,
    drift: { alert_share: 0.3, persistence: { windows: 3, of: 5 } },
  })
  const columns = ['carrier', 'hour', 'distance', 'id', 'time']
  const ask = (time: unknown) =>
    serving.predict('flights', {
      input: { form: 'rows', columns, rows: [['AA', 1, 2, 7, time as string]] },
    })
  await ask('2013-03-01T05:00:00Z')
  await ask('2013-03-01 06:00:00')
  const { rows: logged } = await serving.predictions.window('flights', { fromMs: 0, toMs: 9e15 })
  expect(logged.map((row) => [row.key, new Date(row.eventMs).toISOString(), row.inputs])).toEqual([
    ['7', '2013-03-01T05:00:00.000Z', { carrier: 'AA', hour: 1, distance: 2 }],
    ['7', '2013-03-01T06:00:00.000Z', { carrier: 'AA', hour: 1, distance: 2 }],
  ])
  await expect(ask('soon')).rejects.toMatchObject({ code: 'invalid' })
  await expect(ask('2999-01-01')).rejects.toMatchObject({ code: 'invalid' })
  await expect(serving.predict('flights', { input: rows(1) })).rejects.toThrow(/column time/)
  expect(
    (await serving.predictions.window('flights', { fromMs: 0, toMs: 9e15 })).rows,
  ).toHaveLength(2)
})

test('a full log is sealed by itself, on record in the ledger', async () => {
  const models = fixtureModels()
  const { serving, ledger, store } = await deployed(models, null, { sealRows: 10 })
  for (let index = 0; index < 5; index++) await serving.predict('flights', { input: rows(2) })
  await expect
    .poll(async () => (await store.read.work.open(['seal-segment'])).length, { timeout: 20_000 })
    .toBe(1)
  await serving.seal('flights', 'predictions')
  await serving.seal('flights', 'predictions')
  const sealed = await ledger.list({ after: -1, limit: 10, types: ['prediction-segment-sealed'] })
  expect(sealed).toMatchObject([{ data: { endpoint: 'flights', rows: 10 } }])
  expect(await store.read.serving.segments('flights')).toHaveLength(1)
  expect(
    (await serving.predictions.window('flights', { fromMs: 0, toMs: 9e15 })).rows,
  ).toHaveLength(10)
})

test('a version is scored over rows without a trace on the log', async () => {
  const { serving } = await deployed()
  const scored = await serving.score('late', 2, [{ carrier: 'AA', hour: 5, distance: 100 }])
  expect(scored).toMatchObject([{ label: 1 }])
  expect((await serving.predictions.window('flights', { fromMs: 0, toMs: 9e15 })).rows).toEqual([])
})

test('rows of the log are scored as they were asked, with all digits of whole numbers', async () => {
  const models = fixtureModels()
  models.set('echo', 1, 'echo')
  const world = await open(models)
  await serveModel(world, 'echo')
  const columns = ['text', 'whole', 'single', 'double', 'flag']
  const row: Value[] = ['7', 2n ** 63n - 1n, Number.NaN, -Infinity, true]
  await world.plane.predict('echo', { input: { form: 'rows', columns, rows: [row] } })
  const all = { fromMs: 0, toMs: 9e15 }
  const [logged] = (await world.serving.predictions.window('echo', all)).rows
  const [scored] = await world.serving.score('echo', 1, [logged?.inputs ?? {}])
  expect(scored).toEqual({
    text_out: '7',
    whole_out: 2n ** 63n - 1n,
    single_out: Number.NaN,
    double_out: -Infinity,
    flag_out: true,
  })
})

async function open(
  models: ReturnType<typeof fixtureModels>,
  options: { home?: string; sealRows?: number } = {},
): Promise<ServingWorld> {
  const world = await openServing({ models: models.source, ...options })
  opened.push(world)
  return world
}

async function deployed(
  models = fixtureModels(),
  monitor: Declaration['monitor'] = null,
  options: { sealRows?: number } = {},
) {
  models.set('late', 1, 'flights')
  models.set('late', 2, 'flights-contrary')
  models.alias('late@champion', 1)
  const world = await open(models, options)
  await world.serving.declareEndpoint(LOCAL, { ...declaration, monitor })
  expect(await world.serving.rollOut(LOCAL, 'flights')).toBe('rolled-out')
  return Object.assign(world, { models })
}

function rows(count: number) {
  return {
    form: 'rows' as const,
    columns: ['carrier', 'hour', 'distance'],
    rows: Array.from({ length: count }, (_, hour) => ['AA', hour, 500]),
  }
}
