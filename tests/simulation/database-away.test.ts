import Database from 'better-sqlite3'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { startPostgres } from '../support/postgres.ts'
import { freePort, spawnServer, type ServerProcess } from '../support/process.ts'
import { callers, loopsProject, rolloutsAt, type Person } from '../support/rollouts.ts'

// Predictions need the metadata database neither to be answered nor to be kept.

const AWAY_MS = 1500
const SOON = { timeout: 20_000, interval: 200 }

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

interface Served {
  readonly home: string
  readonly server: ServerProcess
  readonly person: Person
  readonly planeUrl: string
}

async function served(database?: string): Promise<Served> {
  const project = await loopsProject('{ steps: [100], every: 1s }')
  undo.push(project.remove)
  const home = await mkdtemp(join(tmpdir(), 'orrery-away-'))
  undo.push(() => rm(home, { recursive: true, force: true }))
  const servingPort = await freePort()
  const server = await spawnServer({
    home,
    port: 0,
    environment: {
      ORRERY_LOG_LEVEL: 'silent',
      ORRERY_SERVING_PORT: String(servingPort),
      ...(database === undefined ? {} : { ORRERY_DATABASE: database }),
    },
  })
  undo.push(() => server.family.end())
  const person = rolloutsAt(() => server.url)
  await person.createModel()
  await person.point(await person.register('loop.onnx'))
  await person.ask('POST', '/api/v1/projects', { origin: project.origin })
  await person.serves()
  return { home, server, person, planeUrl: `http://127.0.0.1:${servingPort}` }
}

/** Asks the plane all the time, and gives how many were answered while `away` went on. */
async function answeredWhile({ planeUrl }: Served, away: () => Promise<void>): Promise<number> {
  const calling = callers(() => planeUrl, { count: 4, pauseMs: 5 })
  await expect.poll(() => calling.answers.statuses.length).toBeGreaterThan(0)
  const before = calling.answers.statuses.length
  await away()
  const during = calling.answers.statuses.length - before
  const { statuses, lost } = await calling.stop()
  expect(lost).toEqual([])
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(during).toBeGreaterThan(50)
  return statuses.length
}

/** How many predictions the log has. */
async function logged({ person }: Served): Promise<number> {
  const ids = new Set<string>()
  for (let after = ''; ;) {
    const shown = await person.ask<{ predictions: { id: string }[]; next: string | null }>(
      'GET',
      `/api/v1/endpoints/loops/predictions?limit=1000${after}`,
    )
    for (const { id } of shown.predictions) ids.add(id)
    if (shown.next === null) return ids.size
    after = `&after=${shown.next}`
  }
}

test('predictions are answered and logged while somebody holds the metadata database', async () => {
  const world = await served()
  const count = await answeredWhile(world, async () => {
    const held = new Database(join(world.home, 'orrery.db'))
    held.exec('begin immediate')
    // A change that waits for the database, as whoever calls has to.
    const waiting = world.person.createModel().catch((error: unknown) => error)
    await sleep(AWAY_MS)
    held.exec('rollback')
    held.close()
    await waiting
  })
  await expect.poll(() => logged(world), SOON).toBe(count)
}, 60_000)

test('predictions are answered and logged while PostgreSQL is away', async () => {
  const postgres = await startPostgres({ durable: true })
  undo.push(() => postgres.stop())
  const world = await served(await postgres.createDatabase())
  const count = await answeredWhile(world, async () => {
    await postgres.kill()
    await sleep(AWAY_MS)
    await postgres.start()
  })
  await expect.poll(() => logged(world), SOON).toBe(count)
  // What needs the database works again, too.
  expect(await world.person.register('loop.onnx')).toBe(2)
}, 90_000)
