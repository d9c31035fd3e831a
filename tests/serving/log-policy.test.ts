import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { Declaration } from '#serving'
import { fixtureModels, LOCAL, openServing, type ServingWorld } from '../support/serving.ts'

const worlds: ServingWorld[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

const all = { fromMs: 0, toMs: 9e15 }
const SECRET = 'grüne-gurke-4711'

test('a redacted column is given to the model and nowhere in the home', async () => {
  const { home, serving, log, plane } = await logged({ redact: ['carrier'] })
  const input = (carrier: string) => ({
    form: 'rows' as const,
    columns: ['carrier', 'hour', 'distance'],
    rows: [[carrier, 7, 500]],
  })
  const answer = await plane.predict('flights', { id: 'named', input: input(SECRET) })
  // Sent again it is the same request; with another value in the redacted column it is not.
  expect(await plane.predict('flights', { id: 'named', input: input(SECRET) })).toEqual(answer)
  await expect(plane.predict('flights', { id: 'named', input: input('AA') })).rejects.toMatchObject(
    { code: 'conflict' },
  )
  const page = await serving.predictions.window('flights', all)
  expect(page.rows.map(({ inputs }) => inputs)).toEqual([{ hour: 7, distance: 500 }])
  await seal(log)
  expect((await serving.predictions.window('flights', all)).rows[0]?.inputs).toEqual({
    hour: 7,
    distance: 500,
  })
  await sleep(100)
  for (const name of await readdir(home, { recursive: true, withFileTypes: true }))
    if (name.isFile()) {
      const bytes = await readFile(join(name.parentPath, name.name))
      expect([name.name, bytes.includes(SECRET), bytes.includes(SECRET, 0, 'utf16le')]).toEqual([
        name.name,
        false,
        false,
      ])
    }
})

test('where inputs are dropped the answers are logged still, with their entities', async () => {
  const { serving, plane } = await logged({ drop_inputs: true })
  await plane.predict('flights', { input: rows(2) })
  const page = await serving.predictions.window('flights', all)
  expect(page.rows.map(({ key, inputs }) => [key, inputs])).toEqual([
    ['k0', {}],
    ['k1', {}],
  ])
  expect(page.rows[0]?.outputs).toHaveProperty('probabilities')
})

test('of a sample the rest is answered, counted and nowhere', async () => {
  const { serving, plane } = await logged({ sample: 0.25 })
  for (let index = 0; index < 200; index++)
    await plane.predict('flights', { id: `r${index}`, input: rows(1) })
  const { rows: found } = await serving.predictions.window('flights', all)
  expect(found.length).toBeGreaterThan(25)
  expect(found.length).toBeLessThan(80)
  const [sum] = await serving.predictions.summaries('flights', { per: 'month' })
  expect(sum).toMatchObject({ predictions: found.length, unlogged: 200 - found.length })
  // A request that was left out is answered anew, and left out again.
  const ids = new Set(found.map(({ batch }) => batch))
  const left = Array.from({ length: 200 }, (_, index) => `r${index}`).find((id) => !ids.has(id))
  await plane.predict('flights', { id: left ?? '', input: rows(2) })
  expect((await serving.predictions.window('flights', all)).rows).toHaveLength(found.length)
})

test('a durable endpoint answers when its record is on the disk', async () => {
  const { serving, plane } = await logged({ mode: 'durable' })
  await Promise.all(Array.from({ length: 20 }, () => plane.predict('flights', { input: rows(1) })))
  expect((await serving.predictions.window('flights', all)).rows).toHaveLength(20)
})

test('a column that the monitor needs cannot be redacted', async () => {
  const monitor = { key: 'id', window: { size: '1d', by: 'at' } }
  for (const column of ['id', 'at'])
    await expect(logged({ redact: [column] }, monitor)).rejects.toMatchObject({ code: 'invalid' })
})

function monitorOf(of: object): Declaration['monitor'] {
  const persistence = { windows: 3, of: 5 }
  const drift = { alert_share: 0.3, persistence }
  return { window: { size: '1d' }, settle: '1d', min_samples: 100, drift, ...of }
}

async function logged(
  log: Partial<NonNullable<Declaration['log']>>,
  monitored: { key?: string; window?: { size: string; by: string } } = { key: 'id' },
): Promise<ServingWorld> {
  const models = fixtureModels()
  models.set('late', 1, 'flights')
  models.alias('late@champion', 1)
  const world = await openServing({ models: models.source })
  worlds.push(world)
  await world.serving.declareEndpoint(LOCAL, {
    name: 'flights',
    project: 'example',
    model: 'models:/late@champion',
    shadows: [],
    monitor: monitorOf(monitored),
    log: { mode: 'fast', sample: 1, redact: [], drop_inputs: false, ...log },
  })
  expect(await world.serving.rollOut(LOCAL, 'flights')).toBe('rolled-out')
  return world
}

function rows(count: number) {
  return {
    form: 'rows' as const,
    columns: ['id', 'carrier', 'hour', 'distance'],
    rows: Array.from({ length: count }, (_, row) => [`k${row}`, 'AA', 7 + row, 500]),
  }
}

async function seal({ sealing }: ServingWorld['log']): Promise<void> {
  const segment = await sealing.begin('flights', 'predictions')
  if (segment !== undefined) await sealing.finish(await sealing.write(segment))
  while (await sealing.sweep('flights'));
}
