import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { loadConfig } from '#app/config'
import { supervisePlane, type PlaneProcess } from '#app/plane/supervise'
import type { EndpointTable } from '#inference'
import { fixtureModels } from '../support/serving.ts'

const planes: PlaneProcess[] = []
afterEach(async () => {
  await Promise.all(planes.splice(0).map((plane) => plane.stop()))
})

const row = { dataframe_records: [{ carrier: 'AA', hour: 15, distance: 900 }] }

test('a plane that is killed under load answers again by itself, and nobody waits in vain', async () => {
  const plane = await openPlane()
  const table = await tableOf('late')
  await plane.prepare(table)
  await plane.tell(table)
  await plane.complete()
  const statuses: (number | string)[] = []
  const going = new AbortController()
  const callers = Array.from({ length: 8 }, async () => {
    while (!going.signal.aborted) {
      statuses.push(await ask(plane, 'late'))
      await sleep(5)
    }
  })
  await sleep(200)
  const pid = plane.pid()
  process.kill(pid as number, 'SIGKILL')
  const killedMs = performance.now()
  await expect.poll(() => ask(plane, 'late'), { interval: 20, timeout: 10_000 }).toBe(200)
  const awayMs = performance.now() - killedMs
  going.abort()
  await Promise.all(callers)
  expect(awayMs).toBeLessThan(10_000)
  expect(plane.pid()).not.toBe(pid)
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(10)
  expect(plane.standings()).toMatchObject([{ endpoint: 'late', state: 'ready' }])
})

async function ask(plane: PlaneProcess, name: string): Promise<number | string> {
  try {
    const { port } = await plane.addresses()
    const answer = await fetch(`http://127.0.0.1:${port}/endpoints/${name}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(row),
      signal: AbortSignal.timeout(10_000),
    })
    await answer.text()
    return answer.status
  } catch (error) {
    return String(error)
  }
}

async function openPlane(): Promise<PlaneProcess> {
  const home = await mkdtemp(join(tmpdir(), 'orrery-plane-'))
  const { config } = loadConfig({ port: 0, home, logLevel: 'silent' }, {})
  const plane = supervisePlane({
    settings: config,
    log: { findBatch: async () => undefined },
    logger: pino({ level: 'silent' }),
    onRestart: () => undefined,
    onPulse: () => undefined,
  })
  planes.push(plane)
  return plane
}

async function tableOf(model: string): Promise<EndpointTable> {
  const models = fixtureModels()
  models.set(model, 1, 'flights')
  const servable = await models.source.get(model, 1)
  return {
    name: model,
    monitor: null,
    log: null,
    routing: {
      endpoint: model,
      revisions: [{ revision: 1, version: 1, weight: 1 }],
      shadows: [],
      override: 'refused',
    },
    revisions: [
      {
        servable,
        files: await models.source.place(model, 1),
        revision: {
          endpoint: model,
          number: 1,
          role: 'live',
          model,
          version: 1,
          digest: 'flights',
          createdMs: 0,
        },
      },
    ],
    labels: {},
    failure: null,
  }
}
