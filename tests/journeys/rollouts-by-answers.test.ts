import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { ExperimentShown } from '#protocols/api/endpoint-wire'
import { callers, loopsProject, projectOf, rolloutsAt, type Person } from '../support/rollouts.ts'
import { startTestServer } from '../support/server.ts'

// What revisions answer decides which of them stays: by itself, against the truth, and by what it earns.

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

/** `loop.onnx` answers what it is asked, which is the truth here; `loop-wrong.onnx` three more. */
async function personWith(project: { origin: string; remove(): Promise<void> }) {
  undo.push(project.remove)
  const server = await startTestServer()
  undo.push(() => server.stop())
  const person = rolloutsAt(() => server.url)
  await person.createModel()
  await person.point(await person.register('loop.onnx'))
  return { person, url: server.url, origin: project.origin }
}

type Asked = Awaited<ReturnType<typeof asked>>

async function asked(url: string) {
  const answer = await fetch(`${url}/endpoints/loops/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"inputs":{"rounds":[5]}}',
  })
  const id = answer.headers.get('x-request-id') ?? ''
  const { predictions } = (await answer.json()) as { predictions: [{ counts: number }] }
  return { id, revision: answer.headers.get('x-revision'), counts: predictions[0].counts }
}

/** Asks and tells what became of it until it is stopped; gives the revisions that answered. */
function judgedCallers(url: string, person: Person, feedback: (answer: Asked) => object) {
  const going = new AbortController()
  const revisions: (string | null)[] = []
  const done = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!going.signal.aborted) {
        const answer = await asked(url)
        revisions.push(answer.revision)
        await person.ask('POST', '/endpoints/loops/feedback', {
          id: answer.id,
          ...feedback(answer),
        })
        await sleep(10)
      }
    }),
  )
  return {
    revisions,
    stop: async () => {
      going.abort()
      await done
    },
  }
}

test('a revision that answers otherwise than it should is taken back by the guard on drift', async () => {
  const project = await loopsProject('{ steps: [50, 100], every: 20s, guard: { drift: 0.2 } }')
  const { person, url, origin } = await personWith(project)
  await person.ask('POST', '/api/v1/projects', { origin })
  await person.serves()
  const calling = callers(() => url, { count: 4, pauseMs: 10 })
  await person.point(await person.register('loop-wrong.onnx'))
  const rollout = await person.until(({ state }) => state !== 'running')
  await calling.stop()
  expect(rollout).toMatchObject({ state: 'rolled-back', from: 1, to: 2 })
  const [fact] = await person.facts('rollout-rolled-back')
  expect(fact?.data).toMatchObject({ guard: 'drift', to: 2 })
  expect(await person.endpoint()).toMatchObject({ live: { revision: 1 } })
}, 60_000)

test('a revision that turns out wrong is taken back when the truth has come', async () => {
  const guard = '{ quality: { metric: error, scale: 10, min_drop: 0.02, settle: 1s } }'
  const project = await loopsProject(`{ steps: [50, 100], every: 20s, guard: ${guard} }`)
  const { person, url, origin } = await personWith(project)
  await person.ask('POST', '/api/v1/projects', { origin })
  await person.serves()
  const judged = judgedCallers(url, person, () => ({ truth: 5 }))
  await person.point(await person.register('loop-wrong.onnx'))
  const rollout = await person.until(({ state }) => state !== 'running')
  await judged.stop()
  expect(rollout).toMatchObject({ state: 'rolled-back', from: 1, to: 2 })
  const [fact] = await person.facts('rollout-rolled-back')
  expect(fact?.data).toMatchObject({ guard: 'quality', to: 2 })
}, 60_000)

test('an experiment sends callers where rewards are earned', async () => {
  const project = await projectOf(`project: loops
endpoints:
  loops:
    model: models:/loops/1
    traffic: { models:/loops/1: 50, models:/loops/2: 50 }
    experiment: { by: thompson, every: 1s, epsilon: 0.1 }
`)
  const { person, url, origin } = await personWith(project)
  await person.register('loop-wrong.onnx')
  await person.ask('POST', '/api/v1/projects', { origin })
  await person.serves()
  const judged = judgedCallers(url, person, ({ counts }) => ({ reward: counts === 5 ? 1 : 0 }))
  const shareOf = async (version: number) => {
    const { answering } = await person.ask<{ answering: { version: number; weight: number }[] }>(
      'GET',
      '/api/v1/endpoints/loops',
    )
    return answering.find((each) => each.version === version)?.weight ?? 0
  }
  await expect.poll(() => shareOf(1), { timeout: 30_000, interval: 200 }).toBeGreaterThan(90)
  const before = judged.revisions.length
  await expect
    .poll(() => judged.revisions.length, { timeout: 20_000 })
    .toBeGreaterThan(before + 100)
  await judged.stop()
  const after = judged.revisions.slice(before)
  const one = after.filter((revision) => revision === after[0]).length / after.length
  expect(Math.max(one, 1 - one)).toBeGreaterThan(0.8)
  const [fact] = await person.facts('experiment-weighed')
  expect(fact?.data).toMatchObject({ endpoint: 'loops', by: 'thompson' })
  const { experiment } = await person.ask<{ experiment: ExperimentShown }>(
    'GET',
    '/api/v1/endpoints/loops/experiment',
  )
  expect(experiment).toMatchObject({ by: 'thompson', reward: 'binary', epsilon: 0.1 })
  const [best, other] = experiment.arms.toSorted((a, b) => b.share - a.share)
  expect(best).toMatchObject({ modelVersion: 'loops/1', mean: 1 })
  expect(best?.best).toBeGreaterThan(0.9)
  expect(other).toMatchObject({ modelVersion: 'loops/2', mean: 0 })
  expect(other?.rewards).toBeGreaterThanOrEqual(10)
}, 90_000)
