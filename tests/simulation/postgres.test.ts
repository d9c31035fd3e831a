import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { verifyHome } from '#app/home/verify-home'
import { startPostgres, type Postgres } from '../support/postgres.ts'
import { freePort, spawnServer, type ServerProcess } from '../support/process.ts'
import { chanceOf, type Chance } from '../support/random.ts'
import { clientOf } from './kill/client.ts'
import { ledgerReader } from './kill/ledger.ts'
import { registryWorkload } from './kill/registry.ts'
import { trackingWorkload } from './kill/tracking.ts'
import type { Workload } from './kill/workload.ts'

const ROUNDS = Number(process.env['ORRERY_KILL_ROUNDS'] ?? 3)
const SEED = Number(process.env['ORRERY_KILL_SEED'] ?? Date.now() % 2 ** 32)

let home: string
let database: string
let postgres: Postgres
let server: ServerProcess
let chance: Chance
let workloads: readonly Workload[]
let ledger: ReturnType<typeof ledgerReader>

beforeEach(async () => {
  chance = chanceOf(SEED)
  home = await mkdtemp(join(tmpdir(), 'orrery-postgres-kill-'))
  postgres = await startPostgres({ durable: true })
  database = await postgres.createDatabase()
  ledger = ledgerReader()
  workloads = [
    trackingWorkload(chance.fork()),
    trackingWorkload(chance.fork()),
    registryWorkload(chance.fork()),
  ]
})

afterEach(async () => {
  await server.family.end()
  await postgres.stop()
  await rm(home, { recursive: true, force: true })
})

/** Starts the server on the database, again on the port that it had. */
async function serve(port: number): Promise<void> {
  const environment = { ORRERY_DATABASE: database, ORRERY_LOG_LEVEL: 'error' }
  server = await spawnServer({ home, port, environment })
}

/** Lets everybody write for a while, and meanwhile does something. */
async function writingWhile(something: () => Promise<void>, ms: number): Promise<void> {
  const stop = new AbortController()
  const client = clientOf(server.url)
  const writing = Promise.all(workloads.map((workload) => workload.write(client, stop.signal)))
  // A refusal of a right request is told at once.
  await Promise.race([sleep(ms), writing])
  await something()
  stop.abort()
  await writing
}

async function wrong(): Promise<string[]> {
  const client = clientOf(server.url)
  const found = [await ledger.read(client)]
  for (const workload of workloads) found.push(await workload.settle(client))
  return found.flat()
}

async function endsWhole(): Promise<void> {
  const client = clientOf(server.url)
  for (const workload of workloads) expect(await workload.review(client)).toEqual([])
  expect(await server.stop()).toBe(0)
  expect((await verifyHome(home, { database })).faults).toEqual([])
}

test(`nothing acknowledged is lost when the server on PostgreSQL is killed (seed ${SEED})`, async () => {
  const port = await freePort()
  await serve(port)
  for (const workload of workloads) await workload.prepare(clientOf(server.url))
  for (let round = 1; round <= ROUNDS; round++) {
    await writingWhile(() => server.kill(), chance.between(200, 1500))
    await serve(port)
    expect({ round, wrong: await wrong() }).toEqual({ round, wrong: [] })
  }
  await endsWhole()
})

test(`clients that try again see no error when PostgreSQL is killed and comes back (seed ${SEED})`, async () => {
  await serve(await freePort())
  for (const workload of workloads) await workload.prepare(clientOf(server.url))
  for (let round = 1; round <= ROUNDS; round++) {
    const outage = async () => {
      await postgres.kill()
      await sleep(chance.between(0, 800))
      await postgres.start()
      await sleep(chance.between(0, 500))
    }
    await writingWhile(outage, chance.between(200, 1500))
    expect({ round, wrong: await wrong() }).toEqual({ round, wrong: [] })
  }
  await endsWhole()
})
