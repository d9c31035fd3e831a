import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { callers, loopsProject, rolloutsAt, type Person } from '../support/rollouts.ts'
import { MAIN } from '../support/orrery.ts'

// One server, one endpoint, and what a team does to it in a day; each test goes on from the one before.

let server: TestServer
let person: Person
let project: { origin: string; remove(): Promise<void> }

beforeAll(async () => {
  project = await loopsProject(
    '{ steps: [20, 50, 100], every: 1s, min_samples: 5, guard: { errors: 0.05, p50_ms: 150 } }',
  )
  server = await startTestServer()
  person = rolloutsAt(() => server.url)
  await person.createModel()
  await person.point(await person.register('loop.onnx'))
  await person.ask('POST', '/api/v1/projects', { origin: project.origin })
  await person.serves()
}, 60_000)

afterAll(async () => {
  await server.stop()
  await project.remove()
})

test('a good revision goes up by itself, step by step, and no request is lost', async () => {
  const calling = callers(() => server.url, { count: 4, pauseMs: 20 })
  await person.point(await person.register('loop.onnx'))
  const rollout = await person.until(({ state }) => state === 'completed')
  const { statuses, revisions, lost } = await calling.stop()
  expect(lost).toEqual([])
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  expect(new Set(revisions)).toEqual(new Set([1, 2]))
  expect(rollout).toMatchObject({ from: 1, to: 2, share: 100 })
  expect(await person.endpoint()).toMatchObject({
    live: { version: 2, revision: 2 },
    answering: [{ revision: 2, weight: 1 }],
  })
  const stepped = (await person.facts('rollout-stepped')).toReversed()
  expect(stepped.map(({ data }) => data['share'])).toEqual([50, 100])
  expect(stepped[0]?.data['numbers']).toMatchObject({ alpha: 0.05, threshold: 20 })
  expect(await person.facts('rollout-completed')).toHaveLength(2)
}, 60_000)

test('it can be taken back after all, once', async () => {
  expect(await person.order('undo', 'it was Friday')).toMatchObject({
    state: 'undone',
    reason: 'it was Friday',
  })
  expect(await person.endpoint()).toMatchObject({ live: { version: 1, revision: 1 } })
  await expect(person.order('undo')).rejects.toThrow('409')
  await championIs(1, 'version 2 was taken back at loops: it was Friday')
}, 60_000)

test.each([
  ['fails', 'loop-fail.onnx', 'errors'],
  ['is slow', 'loop-slow.onnx', 'p50_ms'],
])(
  'a revision that %s is taken back within seconds, with the numbers in the ledger',
  async (_, file, guard) => {
    const calling = callers(() => server.url, { count: 8, pauseMs: 10 })
    await person.point(await person.register(file))
    const begun = await person.until(({ state }) => state === 'running')
    const startedMs = Date.now()
    const rollout = await person.until(({ id, state }) => id === begun.id && state !== 'running')
    expect(rollout.state).toBe('rolled-back')
    expect(Date.now() - startedMs).toBeLessThan(8000)
    const { lost, statuses } = await calling.stop()
    expect(lost).toEqual([])
    expect(statuses.filter((status) => status >= 500)).toEqual([])
    const fact = (await person.facts('rollout-rolled-back')).find(
      ({ data }) => data['rollout'] === rollout.id,
    )
    expect(fact?.data).toMatchObject({ guard, from: 1, to: rollout.to, share: 0 })
    expect(rollout.numbers.e).toBeGreaterThanOrEqual(20)
    expect(await person.endpoint()).toMatchObject({ live: { revision: 1 } })
    await championIs(1, `was rolled back at loops: ${rollout.reason}`)
    const after = callers(() => server.url, { count: 2, pauseMs: 5 })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(new Set((await after.stop()).revisions)).toEqual(new Set([1]))
  },
  60_000,
)

test('a person pauses, resumes and aborts; callers with a key stay where they are meanwhile', async () => {
  await person.point(await person.register('loop.onnx'))
  const { to } = await person.until(({ state }) => state === 'running')
  await person.order('pause', 'lunch')
  const keyed = () =>
    callers(() => server.url, {
      count: 12,
      pauseMs: 10,
      headers: (caller) => ({ 'x-sticky-key': `customer-${caller}` }),
    })
  const calling = keyed()
  await new Promise((resolve) => setTimeout(resolve, 2500))
  await calling.stop()
  expect(await person.newest()).toMatchObject({ state: 'paused', reason: 'lunch', step: 1 })
  const routed = async () =>
    Promise.all(
      Array.from({ length: 30 }, async (_, caller) => {
        const answer = await fetch(`${server.url}/endpoints/loops/invocations`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-sticky-key': `customer-${caller}` },
          body: '{"inputs":{"rounds":[5]}}',
        })
        return Number(answer.headers.get('x-revision'))
      }),
    )
  const first = await routed()
  expect(await routed()).toEqual(first)
  expect(new Set(first)).toEqual(new Set([1, to]))
  await person.order('resume')
  const again = keyed()
  await person.until(({ share }) => share === 50)
  await again.stop()
  const later = await routed()
  // Who was with the new one is so still.
  first.forEach((revision, caller) => {
    if (revision === to) expect(later[caller]).toBe(to)
  })
  expect(await person.order('abort', 'enough')).toMatchObject({ state: 'aborted' })
  expect(new Set(await routed())).toEqual(new Set([1]))
  await expect(person.order('resume')).rejects.toThrow('409')
  await championIs(1, 'was aborted at loops: enough')
}, 60_000)

test('the command line shows and moves the same', async () => {
  const shown = await orrery('rollout', 'show', 'loops')
  expect(shown).toContain('aborted (enough)')
  expect(shown).toMatch(/errors +max 0.05, over_old 0.05/)
  const { rollouts } = JSON.parse(await orrery('rollout', 'list', 'loops', '--json')) as {
    rollouts: { state: string }[]
  }
  expect(rollouts.map(({ state }) => state)).toEqual([
    'aborted',
    'rolled-back',
    'rolled-back',
    'undone',
  ])
  expect(await orrery('traffic', 'loops')).toMatch(/1 +loops\/1 +1 +100 %/)
  expect(await orrery('traffic', 'loops', '1=75', '2=25')).toMatch(/2 +loops\/2 +25 +25 %/)
  const divided = callers(() => server.url, { count: 4, pauseMs: 5 })
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(new Set((await divided.stop()).revisions)).toEqual(new Set([1, 2]))
  expect((await person.facts('traffic-divided'))[0]?.data).toMatchObject({
    weights: [
      { revision: 1, weight: 75 },
      { revision: 2, weight: 25 },
    ],
  })
  await expect(orrery('traffic', 'loops', '9=1')).rejects.toThrow('never had a revision 9')
  await expect(orrery('traffic', 'loops', '1=0')).rejects.toThrow('not all 0')
  await expect(orrery('traffic', 'loops', 'most')).rejects.toThrow('REVISION=WEIGHT')
}, 60_000)

async function pointedAt(): Promise<{ version: number }> {
  const { model_version: found } = await person.ask<{ model_version: { version: string } }>(
    'GET',
    '/api/2.0/mlflow/registered-models/alias?name=loops&alias=champion',
  )
  return { version: Number(found.version) }
}

/** The alias was put back, and the ledger says why. */
async function championIs(version: number, why: string): Promise<void> {
  await expect.poll(pointedAt).toEqual({ version })
  const [moved] = await person.facts('model-alias-moved')
  expect(moved?.data).toMatchObject({ model: 'loops', alias: 'champion', version })
  expect(moved?.data['reason']).toContain(why)
}

async function orrery(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    MAIN,
    ...args,
    '--url',
    server.url,
  ])
  return stdout
}
