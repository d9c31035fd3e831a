import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { invariant } from '#base/invariant'
import type { Config } from '#app/settings/config'
import type { PlaneProcess } from '#app/plane/supervise'
import type { EndpointSettings } from '#inference'
import { openPlaneProcess, tableOf } from '../support/plane-process.ts'
import { spawnServer } from '../support/process.ts'

const planes: PlaneProcess[] = []
afterEach(async () => {
  await Promise.all(planes.splice(0).map((plane) => plane.stop()))
})

const ON_DEMAND: EndpointSettings = { keep: 'on-demand', unloaded: false, quota: null }

const row = { dataframe_records: [{ carrier: 'AA', hour: 15, distance: 900 }] }

test('a plane that is killed under load answers again by itself, and nobody waits in vain', async () => {
  const plane = await openPlane()
  const table = await tableOf('late', { file: 'flights' })
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
  await expect
    .poll(() => statuses.filter((status) => status === 200).length, { timeout: 20_000 })
    .toBeGreaterThan(10)
  const pid = plane.pid()
  process.kill(pid as number, 'SIGKILL')
  await expect.poll(() => ask(plane, 'late'), { interval: 20, timeout: 20_000 }).toBe(200)
  going.abort()
  await Promise.all(callers)
  expect(plane.pid()).not.toBe(pid)
  expect(plane.standings()).toMatchObject([{ endpoint: 'late', state: 'ready' }])
}, 60_000)

test('of 500 endpoints that are loaded on demand, 50 that are asked answer from few processes', async () => {
  const plane = await openPlane()
  const names = Array.from({ length: 500 }, (_, n) => `model-${n}`)
  for (const name of names)
    await plane.tell(await tableOf(name, { file: 'flights', settings: ON_DEMAND }))
  await plane.complete()
  expect(new Set(plane.standings().map(({ state }) => state))).toEqual(new Set(['unloaded']))
  const hot = names.filter((_, n) => n % 10 === 0)
  for (let round = 0; round < 3; round++) {
    const statuses = await Promise.all(hot.map((name) => ask(plane, name)))
    expect(new Set(statuses)).toEqual(new Set([200]))
  }
  const ready = plane.standings().filter(({ state }) => state === 'ready')
  await expect
    .poll(() => plane.standings().filter(({ state }) => state === 'ready').length, {
      timeout: 10_000,
    })
    .toBe(50)
  expect(ready.length).toBeLessThanOrEqual(50)
  expect(await modelProcesses(plane)).toBeLessThanOrEqual(8)
}, 150_000)

test('a model that cannot be loaded on demand says so and why, until it is let go', async () => {
  const plane = await openPlane()
  const example = { columns: ['turns'], rows: [[1]] }
  const table = await tableOf('wrong', { file: 'loop', settings: ON_DEMAND, example })
  await plane.tell(table)
  await plane.complete()
  const asked = await fetch(`http://127.0.0.1:${(await plane.addresses()).port}/v2/models/wrong`)
  const reason = expect.stringContaining('lacks the required column rounds')
  expect([asked.status, await asked.json()]).toEqual([400, { error: reason }])
  await expect.poll(() => plane.standings()).toMatchObject([{ state: 'failed', reason }])
  await plane.tell({ ...table, settings: { ...ON_DEMAND, unloaded: true } })
  await expect.poll(() => plane.standings()).toMatchObject([{ state: 'unloaded', reason: null }])
})

test('who asks for a model that is being loaded waits no longer than they said', async () => {
  const plane = await openPlane()
  const placed = await tableOf('late', { file: 'flights' })
  const [only] = placed.revisions
  invariant(only !== undefined, 'a table of the tests has one revision')
  const files = { ...only.files, path: join(tmpdir(), 'orrery-no-such-model.onnx') }
  await plane.tell({ ...placed, revisions: [{ ...only, files }] })
  await plane.complete()
  const { port } = await plane.addresses()
  const sinceMs = performance.now()
  const asked = await fetch(`http://127.0.0.1:${port}/v2/models/late/infer`, {
    method: 'POST',
    headers: { 'x-request-timeout-ms': '300' },
    body: JSON.stringify({ inputs: [{ name: 'hour', datatype: 'FP32', shape: [1], data: [1] }] }),
  })
  expect([asked.status, asked.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await asked.text()).toContain('late/1 is being loaded')
  expect(performance.now() - sinceMs).toBeLessThan(2000)
})

test('when models take more memory than they may, the longest unused that may go are let go, and come back', async () => {
  // Any process takes more, so that whatever may go has to.
  const plane = await openPlane({ servingMemoryMb: 1 })
  await plane.tell(await tableOf('pinned', { file: 'flights' }))
  const names = ['first', 'second', 'third']
  for (const name of names)
    await plane.tell(await tableOf(name, { file: 'flights', settings: ON_DEMAND }))
  await plane.complete()
  const stateOf = (name: string) =>
    plane.standings().find(({ endpoint }) => endpoint === name)?.state
  for (const name of names) expect(await ask(plane, name)).toBe(200)
  await expect
    .poll(() => names.map(stateOf), { timeout: 15_000 })
    .toEqual(['unloaded', 'unloaded', 'unloaded'])
  expect(stateOf('pinned')).toBe('ready')
  for (const name of [...names, 'pinned'])
    expect([name, await ask(plane, name)]).toEqual([name, 200])
}, 40_000)

test('a model that hangs ends by its deadline and delays no other endpoint', async () => {
  const plane = await openPlane({ inferenceTimeoutMs: 1500 })
  for (const [name, file] of [
    ['late', 'flights'],
    ['loop', 'loop'],
  ] as const) {
    const table = await tableOf(name, { file })
    await plane.prepare(table)
    await plane.tell(table)
  }
  await plane.complete()
  const startedMs = performance.now()
  const hung = plane.predict('loop', {
    input: { form: 'rows', columns: ['rounds'], rows: [[1_000_000_000_000]] },
    deadlineMs: 500,
  })
  hung.catch(() => undefined)
  for (let n = 0; n < 20; n++) expect(await ask(plane, 'late')).toBe(200)
  await expect(hung).rejects.toMatchObject({ code: 'timeout' })
  expect(performance.now() - startedMs).toBeLessThan(10_000)
})

test('a caller that asks too often is told so, and the others are not', async () => {
  const plane = await openPlane()
  const settings = { ...ON_DEMAND, quota: { perSecond: 0.01, burst: 2 } }
  await plane.tell(await tableOf('late', { file: 'flights', settings }))
  await plane.complete()
  const rows = {
    form: 'rows',
    columns: ['carrier', 'hour', 'distance'],
    rows: [['AA', 1, 2]],
  } as const
  const askAs = (stickyKey: string) => plane.predict('late', { input: rows, stickyKey })
  await askAs('one')
  await askAs('one')
  await expect(askAs('one')).rejects.toMatchObject({ code: 'quota' })
  await expect(askAs('other')).resolves.toMatchObject({ rows: 1 })
})

test('when the server is killed, its plane and its models end with it', async () => {
  const home = await mkdtemp(join(tmpdir(), 'orrery-killed-'))
  const server = await spawnServer({ home, port: 0 })
  const ready = await fetch(`${server.url}/v2/health/ready`)
  expect(ready.status).toBe(200)
  const plane = (await server.family.living()).find(({ command }) => command.includes('plane'))
  expect(plane).toBeDefined()
  await server.kill()
  await expect.poll(() => server.family.living(), { timeout: 10_000 }).toEqual([])
})

/** How many processes the plane has started. */
async function modelProcesses(plane: PlaneProcess): Promise<number> {
  const tasks = await readdir(`/proc/${plane.pid()}/task`)
  const children = await Promise.all(
    tasks.map((task) => readFile(`/proc/${plane.pid()}/task/${task}/children`, 'utf8')),
  )
  return children.join(' ').split(' ').filter(Boolean).length
}

async function ask(plane: PlaneProcess, name: string): Promise<number | string> {
  try {
    const { port } = await plane.addresses()
    const answer = await fetch(`http://127.0.0.1:${port}/endpoints/${name}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(row),
      signal: AbortSignal.timeout(45_000),
    })
    await answer.text()
    return answer.status
  } catch (error) {
    return String(error)
  }
}

async function openPlane(settings: Partial<Config> = {}): Promise<PlaneProcess> {
  const plane = await openPlaneProcess(settings)
  planes.push(plane)
  return plane
}
