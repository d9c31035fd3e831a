import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultsOf } from '../support/bad-input/answers.ts'
import { apiRoutes } from '../support/bad-input/api-routes.ts'
import { openKept, type Kept } from '../support/bad-input/kept.ts'
import { malformedBodies, malformedFault, planeRoutes } from '../support/bad-input/malformed.ts'
import { goodRequest, mistakesOn } from '../support/bad-input/mistakes.ts'
import {
  mlflowRoutes,
  predictionRoutes,
  waitingRoutes,
} from '../support/bad-input/mlflow-routes.ts'
import { nastyRequests, type NastyRequest } from '../support/bad-input/nasty.ts'
import { nameOf, type Protocol, type Route } from '../support/bad-input/route.ts'
import { send, type RawRequest } from '../support/bad-input/wire.ts'
import { LIVE, startWorld, type World } from '../support/bad-input/world.ts'

let world: World
let kept: Kept

beforeAll(async () => {
  world = await startWorld()
  const question = { method: 'GET', path: `/api/v1/endpoints/${LIVE}/predictions?limit=1` }
  kept = await openKept(world.home, () => send(world.url, question))
  // The server looks at its windows each second.
  await kept.settled({ quietMs: 1500 })
})
afterAll(async () => {
  await kept.close()
  await world.stop()
})

/** They ask after things that take a while to be made. */
const UNMADE = new Set([
  // No other system has told of anything.
  '/api/v1/lineage/runs',
  '/api/v1/lineage/node',
  // One of the models that had the name before.
  '/api/v1/models/{model}/history',
  '/api/v1/promotions/{id}',
  '/api/v1/datasets/{project}/{path}/difference',
  '/api/v1/replays/{id}',
  '/api/v1/endpoints/{endpoint}/windows/{start}',
  '/api/v1/endpoints/{endpoint}/windows/{start}/comparison',
  '/api/v1/endpoints/{endpoint}/report',
  // It would be sent what happens meanwhile, and what is written by that is counted.
  '/api/v1/log-receivers/{receiver}',
  // Windows have to be judged before one is raised.
  '/api/v1/alerts/{id}',
  '/api/v1/alerting/alerts/{id}',
  '/api/v1/models/{model}/versions/{version}/reference',
  '/api/v1/models/{model}/versions/{version}/training-rows',
  '/api/2.0/mlflow/registered-models/alias',
  '/api/v1/sweeps/{id}',
  '/api/v1/endpoints/{endpoint}/rollouts/newest',
  '/api/3.0/mlflow/scorers/get',
  '/api/3.0/mlflow/scorers/versions',
])

type Counts = Awaited<ReturnType<Kept['settled']>>

/** What is wrong with how the route takes each mistake, and what is kept after that. */
async function faultsAt(
  route: Route,
  before: Counts,
): Promise<{ faults: string[]; after: Counts }> {
  const faults: string[] = []
  for (const { what, request, names, status } of mistakesOn(route)) {
    const where = `${nameOf(route)}, ${what}`
    try {
      const answer = await send(world.url, request)
      const wrong = faultsOf(answer, { protocol: route.protocol, refused: true, names, status })
      faults.push(...wrong.map((fault) => `${where}: ${answer.status}: ${fault}`))
    } catch (error) {
      faults.push(`${where}: ${String(error)}`)
    }
  }
  const after = await kept.settled()
  const written = Object.keys(after).filter((table) => after[table] !== before[table])
  if (written.length > 0) faults.push(`${nameOf(route)}: it wrote to ${written.join(', ')}`)
  return { faults, after }
}

describe('a request that is wrong is refused in the words of its protocol, and nothing is written', () => {
  const groups: [string, () => Promise<Route[]> | Route[]][] = [
    ['our own API', () => apiRoutes(world.url, world.things)],
    ['MLflow', () => mlflowRoutes(world.things)],
    ['the prediction protocols', predictionRoutes],
  ]
  for (const [name, routes] of groups)
    test(`by ${name}`, async () => {
      const faults: string[] = []
      let before = await kept.settled()
      for (const route of await routes()) {
        const told = await faultsAt(route, before)
        faults.push(...told.faults)
        before = told.after
      }
      expect(faults).toEqual([])
    })
})

test('requests that are not spoilt are taken, so that it is the mistake that is refused', async () => {
  const routes = [...(await apiRoutes(world.url, world.things)), ...mlflowRoutes(world.things)]
  const readings = routes.filter(({ method, path }) => method === 'GET' && !UNMADE.has(path))
  const taken = [...readings, ...predictionRoutes()]
  const refused: string[] = []
  for (const route of taken) {
    const { status, text } = await send(world.url, goodRequest(route))
    if (status !== 200) refused.push(`${nameOf(route)}: ${status}: ${text}`)
  }
  expect(refused).toEqual([])
})

test('a body that is malformed in any way that a protocol of prediction allows is refused in its words, and nothing is logged', async () => {
  const logged = async () => {
    const path = `/api/v1/endpoints/${LIVE}/predictions?limit=10000`
    const { text } = await send(world.url, { method: 'GET', path })
    return (JSON.parse(text) as { predictions: object[] }).predictions.length
  }
  const faults: string[] = []
  const before = await logged()
  for (const route of planeRoutes()) {
    const { path } = route
    for (const { what, request } of malformedBodies(route))
      try {
        const fault = malformedFault(route, await send(world.planeUrl, { ...request, path }))
        if (fault !== undefined) faults.push(`${path}, ${what}: ${fault}`)
      } catch (error) {
        faults.push(`${path}, ${what}: ${String(error)}`)
      }
  }
  expect(faults).toEqual([])
  expect(await logged()).toBe(before)
  for (const { path, headers, body } of planeRoutes()) {
    // The model has no example to be compared with.
    if (/expla/.test(path)) continue
    const { status, text } = await send(world.planeUrl, { method: 'POST', path, headers, body })
    const right = path.includes('feedback') && status === 202 ? 202 : 200
    expect([path, status, text]).toEqual([path, right, expect.anything()])
  }
})

test('an endpoint that is declared and not deployed says so, and that one may try again', async () => {
  for (const route of waitingRoutes()) {
    const answer = await send(world.url, goodRequest(route))
    const { error, message } = JSON.parse(answer.text) as Record<string, string>
    expect([answer.status, answer.headers['retry-after'], error ?? message]).toEqual([
      503,
      '1',
      expect.stringContaining('early'),
    ])
  }
})

test('a body that never ends is refused at its limit', async () => {
  const body = Buffer.alloc(65 * 1024 * 1024, 0x20)
  const cases: [Protocol, string, number][] = [
    ['api', '/api/v1/pipeline-runs', 413],
    ['mlflow', '/api/2.0/mlflow/runs/create', 400],
    ['scoring', '/endpoints/late/invocations', 413],
    ['inference', '/v2/models/late/infer', 413],
  ]
  const before = await kept.settled()
  for (const [protocol, path, status] of cases) {
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
    const answer = await send(world.url, { method: 'POST', path, headers, body })
    const faults = faultsOf(answer, { protocol, refused: true, status, names: ['large'] })
    expect(faults.map((fault) => `${path}: ${fault}`)).toEqual([])
  }
  expect(await kept.settled()).toEqual(before)
})

test('an address where nothing is says so in the words of its neighbours', async () => {
  const cases: [Protocol, string][] = [
    ['api', '/api/v1/nothing'],
    ['api', '/nothing'],
    ['mlflow', '/api/2.0/mlflow/nothing'],
    ['mlflow', '/api/3.0/mlflow/nothing'],
    ['mlflow', '/ajax-api/2.0/nothing'],
    ['scoring', '/endpoints/late/nothing'],
    ['inference', '/v2/nothing'],
  ]
  for (const [protocol, path] of cases)
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const answer = await send(world.url, { method, path })
      const faults = faultsOf(answer, { protocol, refused: true, status: 404, names: [path] })
      expect(faults.map((fault) => `${method} ${path}: ${fault}`)).toEqual([])
    }
})

test('whatever stands in a request, it is answered, in the form of its protocol, and what is refused writes nothing', async () => {
  const routes = [
    ...(await apiRoutes(world.url, world.things)),
    ...mlflowRoutes(world.things),
    ...predictionRoutes(),
    // It would take away what all the others ask for.
  ].filter(({ path }) => !path.endsWith('/unload'))
  const seed = Number(process.env['ORRERY_TEST_SEED'] ?? Date.now() % 2 ** 31)
  const refusedWithoutATrace = async ({ what, route, request }: NastyRequest) => {
    const before = await kept.count()
    const answer = await send(world.url, request)
    const faults = faultsOf(answer, { protocol: route.protocol, refused: false })
    expect(faults.map((fault) => `${what}: ${answer.status}: ${fault}`)).toEqual([])
    // What was predicted and cannot be told as JSON, because it is not finite, is in the log nevertheless.
    const isPredicted = answer.text.includes('The prediction was made and logged')
    if (answer.status < 400 || isPredicted || same(before, await kept.count())) return
    const written = await writtenAgain(request)
    expect({ what, ...written.after }).toEqual({ what, ...written.before })
  }
  // The seed is in the message of a failure; ORRERY_TEST_SEED repeats it.
  await fc.assert(fc.asyncProperty(nastyRequests(routes), refusedWithoutATrace), {
    seed,
    numRuns: 3000,
    interruptAfterTimeLimit: 20_000,
  })
})

/**
 * What is kept before and after the request is asked again. What an earlier one began, such as to start a model, may
 * end between the two, however long nothing was written before: a request that writes does so each time.
 */
async function writtenAgain(request: RawRequest): Promise<{ before: Counts; after: Counts }> {
  const counted = async (quietMs: number) => {
    const before = await kept.settled({ quietMs })
    await send(world.url, request)
    return { before, after: await kept.settled({ quietMs }) }
  }
  const first = await counted(30)
  if (same(first.before, first.after)) return first
  const second = await counted(300)
  return same(second.before, second.after) ? second : counted(1500)
}

function same(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
