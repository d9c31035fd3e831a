import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { freePort, spawnServer, type ServerProcess } from '../support/process.ts'
import { callers, loopsProject, rolloutsAt } from '../support/rollouts.ts'

const undo: (() => unknown)[] = []
afterAll(async () => {
  for (const step of undo.toReversed()) await step()
})

test('a rollout goes on where it was after either process was killed, and rolls back what is bad all the same', async () => {
  const project = await loopsProject(
    '{ steps: [30, 100], every: 4s, min_samples: 5, guard: { errors: 0.05 } }',
  )
  undo.push(project.remove)
  const home = await mkdtemp(join(tmpdir(), 'orrery-killed-'))
  undo.push(() => rm(home, { recursive: true, force: true }))
  const port = await freePort()
  const environment = { ORRERY_LOG_LEVEL: 'error' }
  let server: ServerProcess = await spawnServer({ home, port, environment })
  undo.push(() => server.family.end())
  const person = rolloutsAt(() => server.url)
  await person.createModel()
  await person.point(await person.register('loop.onnx'))
  await person.ask('POST', '/api/v1/projects', { origin: project.origin })
  await person.serves()
  await person.point(await person.register('loop.onnx'))
  const begun = await person.until(({ state }) => state === 'running')
  const calling = callers(() => server.url, { count: 2, pauseMs: 20 })
  await person.until(({ numbers }) => (numbers.guards[0]?.new.n ?? 0) > 5)
  // Evidence is kept once a second; younger one may go with the server.
  await sleep(1500)

  // The server, and with it its plane.
  await server.kill()
  server = await spawnServer({ home, port, environment })
  const after = await person.until(({ state }) => state === 'running')
  expect(after).toMatchObject({ id: begun.id, step: 1, share: 30 })
  expect(after.numbers.guards[0]?.new.n).toBeGreaterThan(0)

  // The plane alone: it is started again with the same weights.
  const plane = (await server.family.living()).find(({ command }) => command.includes('plane'))
  expect(plane).toBeDefined()
  process.kill(plane?.pid ?? 0, 'SIGKILL')
  const done = await person.until(({ state }) => state !== 'running')
  expect(done).toMatchObject({ id: begun.id, state: 'completed' })
  expect(await person.endpoint()).toMatchObject({ answering: [{ revision: 2, weight: 1 }] })

  await person.point(await person.register('loop-fail.onnx'))
  const bad = await person.until(({ id, state }) => id !== begun.id && state !== 'running')
  expect(bad).toMatchObject({ state: 'rolled-back', from: 2 })
  await calling.stop()
  const types = (await person.facts('rollout-completed')).filter(
    ({ data }) => data['rollout'] === begun.id,
  )
  expect(types).toHaveLength(1)
}, 90_000)
