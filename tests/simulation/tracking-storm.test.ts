import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { verifyHome } from '#app/home/verify-home'
import { startPostgres } from '../support/postgres.ts'
import { freePort, serverCommand, spawnServer, startFamily } from '../support/process.ts'
import { chanceOf, type Chance } from '../support/random.ts'
import { clientOf, type Client } from './kill/client.ts'
import { ledgerReader } from './kill/ledger.ts'
import { registryWorkload } from './kill/registry.ts'
import { trackingWorkload } from './kill/tracking.ts'
import type { Workload } from './kill/workload.ts'
import { labelsWorkload } from './storm/labels.ts'
import { seriesWorkload } from './storm/series.ts'
import { tracesWorkload } from './storm/traces.ts'

// A failure is played again with its seed: ORRERY_STORM_SEED=… npx vitest run tests/simulation/tracking-storm.test.ts
const ROUNDS = Number(process.env['ORRERY_STORM_ROUNDS'] ?? 10)
const POSTGRES_ROUNDS = Number(process.env['ORRERY_STORM_POSTGRES_ROUNDS'] ?? 4)
const SEED = Number(process.env['ORRERY_STORM_SEED'] ?? Date.now() % 2 ** 32)
/** From right after the first writes to some hundred of each writer. */
const LIFE_MS = { from: 5, until: 700 }
/** Of the starts, so many are cut short by a kill as well. */
const STILLBORN_SHARE = 0.2

test(
  `nothing acknowledged is lost, doubled or half when eight writers lose the server ${ROUNDS} times (seed ${SEED})`,
  { timeout: 60_000 + ROUNDS * 20_000 },
  async () => expect(await storm({ rounds: ROUNDS, database: '' })).toEqual([]),
)

test(
  `nothing acknowledged is lost, doubled or half when eight writers lose a server on PostgreSQL ${POSTGRES_ROUNDS} times (seed ${SEED})`,
  { timeout: 120_000 + POSTGRES_ROUNDS * 20_000 },
  async () => {
    const postgres = await startPostgres({ durable: true })
    try {
      const database = await postgres.createDatabase()
      expect(await storm({ rounds: POSTGRES_ROUNDS, database })).toEqual([])
    } finally {
      await postgres.stop()
    }
  },
)

/** Eight in all: three, two, one, one and one. */
function writersOf(chance: Chance): Workload[] {
  return [
    trackingWorkload(chance.fork()),
    registryWorkload(chance.fork(), { clients: 2 }),
    seriesWorkload(chance.fork(), { clients: 1 }),
    labelsWorkload(chance.fork(), { clients: 1 }),
    tracesWorkload(chance.fork()),
  ]
}

/** What is wrong at the end; a round after which anything is wrong ends it at once. */
async function storm({
  rounds,
  database,
}: {
  rounds: number
  database: string
}): Promise<string[]> {
  const chance = chanceOf(SEED)
  const writers = writersOf(chance)
  const home = await mkdtemp(join(tmpdir(), 'orrery-storm-'))
  const environment = { ORRERY_DATABASE: database, ORRERY_LOG_LEVEL: 'error' }
  const settings = { home, port: await freePort(), environment }
  const ledger = ledgerReader()
  let server = await spawnServer(settings)
  const wrongIn = async (each: 'settle' | 'review', client: Client) => {
    const { faults } = await verifyHome(home, { database })
    const found = [faults, await ledger.read(client)]
    for (const writer of writers) found.push(await writer[each](client))
    return found.flat()
  }
  try {
    for (const writer of writers) await writer.prepare(clientOf(server.url))
    for (let round = 1; round <= rounds; round++) {
      await writeUntil(chance.between(LIFE_MS.from, LIFE_MS.until), {
        writers,
        url: server.url,
        end: () => server.kill(),
      })
      if (chance.next() < STILLBORN_SHARE) await killWhileItStarts(settings, chance)
      server = await spawnServer(settings)
      const wrong = await wrongIn('settle', clientOf(server.url))
      expect({ round, wrong }).toEqual({ round, wrong: [] })
    }
    const wrong = await wrongIn('review', clientOf(server.url))
    console.log(summary(rounds, { writers, entries: ledger.entries() }))
    expect(await server.stop()).toBe(0)
    wrong.push(...(await verifyHome(home, { database })).faults)
    if (wrong.length === 0) await rm(home, { recursive: true, force: true })
    return wrong
  } catch (error) {
    console.log(`what seed ${SEED} left is kept in ${home}; last words: ${server.family.log()}`)
    throw error
  } finally {
    await server.family.end()
  }
}

/** Everybody writes, and after a while, in the midst of it, the server is ended. */
async function writeUntil(
  ms: number,
  { writers, url, end }: { writers: readonly Workload[]; url: string; end: () => Promise<void> },
): Promise<void> {
  const stop = new AbortController()
  const client = clientOf(url)
  const writing = Promise.all(writers.map((writer) => writer.write(client, stop.signal)))
  // A refusal of a right request is told at once, not after the kill.
  await Promise.race([sleep(ms), writing])
  await end()
  stop.abort()
  await writing
}

async function killWhileItStarts(
  settings: { home: string; port: number; environment: Record<string, string> },
  chance: Chance,
): Promise<void> {
  const { home, port, environment } = settings
  const family = startFamily(...serverCommand(home, port), { environment })
  await sleep(chance.between(0, 800))
  await family.end()
}

function summary(
  rounds: number,
  { writers, entries }: { writers: readonly Workload[]; entries: number },
): string {
  const counts = writers.flatMap((writer) => Object.entries(writer.counts()))
  const told = counts.map(([what, count]) => `${count} ${what}`).join(', ')
  return `seed ${SEED}: ${rounds} kills. Acknowledged and there once: ${told}. The ledger has ${entries} facts.`
}
