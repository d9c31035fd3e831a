import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'
import { projectOf, rolloutsAt, type Person } from '../support/rollouts.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// What a project's file says of its endpoints, and what their callers see of it.

const CONFIG = `project: loops
endpoints:
  loops:
    model: models:/loops@champion
    keep: on-demand
    limits: { quota: { per_second: 0.01, burst: 3, by: X-Api-Key } }
    log: { drop_inputs: true }
  hasty:
    model: models:/loops@champion
    limits: { timeout_ms: 20, queue: 2 }
`

let server: TestServer
let person: Person
let project: { origin: string; remove(): Promise<void> }

beforeAll(async () => {
  project = await projectOf(CONFIG)
  server = await startTestServer()
  person = rolloutsAt(() => server.url)
  await person.createModel()
  await person.point(await person.register('loop.onnx'))
  await person.ask('POST', '/api/v1/projects', { origin: project.origin })
}, 90_000)

afterAll(async () => {
  await server.stop()
  await project.remove()
})

test('an endpoint that is kept on demand is loaded by its first request', async () => {
  await expect.poll(() => stateOf('hasty'), { timeout: 60_000, interval: 100 }).toBe('ready')
  await expect.poll(() => stateOf('loops'), { timeout: 20_000 }).toBe('unloaded')
  expect((await asked('/endpoints/loops/invocations', { key: 'first' })).status).toBe(200)
  expect(await stateOf('loops')).toBe('ready')
}, 60_000)

test('each caller has its own quota, in whatever language it asks', async () => {
  for (let n = 0; n < 3; n++)
    expect((await asked('/endpoints/loops/invocations', { key: 'ann' })).status).toBe(200)
  const languages = [
    '/endpoints/loops/invocations',
    '/v2/models/loops/infer',
    '/v1/models/loops:predict',
  ]
  for (const path of languages) {
    const refused = await asked(path, { key: 'ann' })
    expect([path, refused.status]).toEqual([path, 429])
    // One request in a hundred seconds.
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50)
    expect(await refused.text()).toContain('wait and try again')
    expect((await asked(path, { key: 'ben' })).status).toBe(200)
  }
  const nameless = await Promise.all(
    Array.from({ length: 5 }, async () => (await asked('/endpoints/loops/invocations')).status),
  )
  expect(nameless.filter((status) => status === 200)).toHaveLength(3)
  expect(nameless.filter((status) => status === 429)).toHaveLength(2)
}, 60_000)

test('a prediction takes no longer than its endpoint permits, and no more callers wait than it permits', async () => {
  const slow = () => asked('/endpoints/hasty/invocations', { rounds: 300_000 })
  expect((await slow()).status).toBe(504)
  await expect
    .poll(async () => (await asked('/endpoints/hasty/invocations')).status, { timeout: 20_000 })
    .toBe(200)
  const crowd = await Promise.all(Array.from({ length: 12 }, slow))
  const statuses = crowd.map(({ status }) => status)
  expect(new Set(statuses)).toEqual(new Set([503, 504]))
}, 60_000)

test('an endpoint that is made by hand has its limits, and none is made of what means no version', async () => {
  const make = (name: string, model: string, ...more: string[]) =>
    runCommand(
      server.home,
      ['endpoint', 'create', name, '--model', model, '--url', server.url].concat(more),
    )
  expect((await make('made', 'models:/loops/1', '--quota', '0.01', '--burst', '1')).code).toBe(0)
  expect((await asked('/endpoints/made/invocations')).status).toBe(200)
  expect((await asked('/endpoints/made/invocations')).status).toBe(429)
  const refused = await make('nothing', 'models:/loops/99')
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('no model version')])
  await expect(person.ask('GET', '/api/v1/endpoints/nothing')).rejects.toThrow(/404/)
}, 60_000)

test('inputs that are not to be logged are not', async () => {
  const { predictions } = await person.ask<{ predictions: { inputs: unknown }[] }>(
    'GET',
    '/api/v1/endpoints/loops/predictions',
  )
  expect(predictions.length).toBeGreaterThan(0)
  expect(JSON.stringify(predictions.map(({ inputs }) => inputs))).not.toContain('5')
})

test('an endpoint that is made again as it is stays, and is not made otherwise', async () => {
  const again = ['endpoint', 'create', 'made', '--model=models:/loops/1']
  const limits = ['--quota=0.01', '--burst=1']
  expect(await run([...again, ...limits])).toMatchObject({
    code: 0,
    out: 'endpoint made is there, of loops/1\n',
  })
  for (const more of [[], ['--quota=5'], [...limits, '--pin'], [...limits, '--queue=3']])
    expect(await run([...again, ...more])).toMatchObject({
      code: 2,
      err: expect.stringContaining('endpoint made is there already, of models:/loops/1'),
    })
  const declared = await run(['endpoint', 'create', 'loops', '--model=models:/loops/1'])
  expect(declared.err).toContain('declared by the project loops')
  expect(await settingsOf('made')).toMatchObject({ quota: { perSecond: 0.01, burst: 1 } })
})

test('what is changed of an endpoint that was made by hand changes, and the rest stays', async () => {
  const update = ['endpoint', 'update', 'made']
  const limits = ['--timeout-ms=5000', '--quota=0.01', '--burst=1', '--quota-by=x-api-key']
  const changed = await run([...update, '--model=models:/loops@champion', '--pin', ...limits])
  expect(changed).toMatchObject({ code: 0, out: 'endpoint made is changed, of loops/1\n' })
  const ask = async (key: string) => (await asked('/endpoints/made/invocations', { key })).status
  expect([await ask('ann'), await ask('ann'), await ask('ben')]).toEqual([200, 429, 200])
  await run([...update, '--without', 'quota', '--no-pin', '--queue=7'])
  expect(await settingsOf('made')).toEqual({
    keep: 'on-demand',
    unloaded: false,
    quota: null,
    timeoutMs: 5000,
    waitingMax: 7,
  })
  expect([await ask('ann'), await ask('ann')]).toEqual([200, 200])
  expect((await run(update)).err).toContain('say what is to be otherwise')
  expect((await run(['endpoint', 'update', 'loops', '--pin'])).err).toContain(
    'declared by the project loops',
  )
  expect((await run(['endpoint', 'update', 'nobody', '--pin'])).err).toContain('nobody')
}, 60_000)

test('callers who ask for an alias get it as soon as it moves, though the endpoint does not follow it', async () => {
  const ask = async () => (await asked('/v1/models/hasty/labels/proven:predict')).status
  expect(await ask()).toBe(404)
  await person.ask('POST', '/api/2.0/mlflow/registered-models/alias', {
    name: 'loops',
    alias: 'proven',
    version: '1',
  })
  await expect.poll(ask, { timeout: 10_000 }).toBe(200)
}, 30_000)

async function stateOf(name: string): Promise<string> {
  const shown = person.ask<{ state: string }>('GET', `/api/v1/endpoints/${name}`)
  return shown.then(
    ({ state }) => state,
    () => 'none',
  )
}

function asked(
  path: string,
  { key, rounds = 5 }: { key?: string; rounds?: number } = {},
): Promise<Response> {
  const isOpen = path.startsWith('/v2/')
  return fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'x-api-key': key }),
    },
    body: JSON.stringify({
      inputs: isOpen
        ? [{ name: 'rounds', datatype: 'INT64', shape: [1], data: [rounds] }]
        : { rounds: [rounds] },
    }),
  })
}

function run(args: readonly string[]) {
  return runCommand(server.home, [...args, '--url', server.url])
}

async function settingsOf(name: string): Promise<unknown> {
  return (await person.ask<{ settings: unknown }>('GET', `/api/v1/endpoints/${name}`)).settings
}
