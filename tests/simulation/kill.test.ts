import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { verifyHome } from '#app/home/verify-home'
import {
  freePort,
  serverCommand,
  spawnServer,
  startFamily,
  type ServerProcess,
} from '../support/process.ts'
import { chanceOf, type Chance } from '../support/random.ts'
import { clientOf, eventually } from './kill/client.ts'
import { ledgerReader } from './kill/ledger.ts'
import { automationFaults } from './kill/automation.ts'
import { loopWorkload } from './kill/loop.ts'
import { registryWorkload } from './kill/registry.ts'
import { trackingWorkload } from './kill/tracking.ts'
import type { Workload } from './kill/workload.ts'

// A failure is played again with its seed: ORRERY_KILL_SEED=… npx vitest run tests/simulation/kill.test.ts
const ROUNDS = Number(process.env['ORRERY_KILL_ROUNDS'] ?? 25)
const SEED = Number(process.env['ORRERY_KILL_SEED'] ?? Date.now() % 2 ** 32)
/** Mostly short, for kills in the midst of writing; now and then long enough for a pipeline to come through. */
const LIVES_MS = [
  { from: 20, until: 1200 },
  { from: 20, until: 1200 },
  { from: 20, until: 1200 },
  { from: 2500, until: 5000 },
] as const
/** Of the starts, so many are cut short by a kill as well. */
const STILLBORN_SHARE = 0.15
const ORPHAN_MS_MAX = 10_000

test(
  `nothing acknowledged is lost or counted twice when the server is killed ${ROUNDS} times (seed ${SEED})`,
  { timeout: 20_000 + ROUNDS * 15_000 },
  async () => {
    const chance = chanceOf(SEED)
    const home = await mkdtemp(join(tmpdir(), 'orrery-kill-'))
    // Small segments, so that kills meet their sealing as well.
    const environment = { ORRERY_SEAL_ROWS: '70', ORRERY_LOG_LEVEL: 'warn' }
    const settings = { home, port: await freePort(), environment }
    const workloads: Workload[] = [
      trackingWorkload(chance.fork()),
      registryWorkload(chance.fork()),
      loopWorkload(chance.fork(), join(home, 'project')),
    ]
    const ledger = ledgerReader()

    let server = await spawnServer(settings)
    try {
      for (const workload of workloads) await workload.prepare(clientOf(server.url))
      for (let round = 1; round <= ROUNDS; round++) {
        await writeUntilKilled(server, workloads, chance)
        if (chance.next() < STILLBORN_SHARE) await killWhileItStarts(settings, chance)
        // The next server does not wait for what the last one had started.
        const [, { faults }] = await Promise.all([
          spawnServer(settings).then((next) => (server = next)),
          verifyHome(home),
          noOrphans(server),
        ])
        expect({ round, faults }).toEqual({ round, faults: [] })
        const client = clientOf(server.url)
        const wrong = [await ledger.read(client)]
        for (const workload of workloads) wrong.push(await workload.settle(client))
        expect({ round, wrong: wrong.flat() }).toEqual({ round, wrong: [] })
      }
      const client = clientOf(server.url)
      for (const workload of workloads) expect(await workload.review(client)).toEqual([])
      expect(await automationFaults(client)).toEqual([])
      expect(await ledger.read(client)).toEqual([])
      expect(ledger.count('policy-run-finished')).toBe(ledger.count('policy-fired'))
      console.log(summary(workloads, ledger))
      expect(await server.stop()).toBe(0)
      await noOrphans(server)
      expect((await verifyHome(home)).faults).toEqual([])
      await rm(home, { recursive: true, force: true })
    } catch (error) {
      console.log(
        `what seed ${SEED} left is kept in ${home}; the server's last words: ${server.family.log()}`,
      )
      throw error
    } finally {
      await server.family.end()
    }
  },
)

async function writeUntilKilled(
  server: ServerProcess,
  workloads: readonly Workload[],
  chance: Chance,
): Promise<void> {
  const stop = new AbortController()
  const client = clientOf(server.url)
  const { from, until } = chance.pick(LIVES_MS)
  const writing = Promise.all(workloads.map((workload) => workload.write(client, stop.signal)))
  // A refusal of a right request is told at once, not after the kill.
  await Promise.race([sleep(chance.between(from, until)), writing])
  await server.kill()
  stop.abort()
  await writing
}

async function killWhileItStarts(
  { home, port, environment }: { home: string; port: number; environment: Record<string, string> },
  chance: Chance,
): Promise<void> {
  const family = startFamily(...serverCommand(home, port), { environment })
  await sleep(chance.between(0, 1500))
  family.signal('SIGKILL')
  await family.exited
  await noOrphans({ family })
}

/** What the server had started ends by itself when the server is gone. */
async function noOrphans(server: Pick<ServerProcess, 'family'>): Promise<void> {
  await eventually(
    () => server.family.living(),
    (living) => living.length === 0,
    { what: 'processes of a server that is gone end', withinMs: ORPHAN_MS_MAX },
  )
}

function summary(workloads: readonly Workload[], ledger: ReturnType<typeof ledgerReader>): string {
  const counts = workloads.flatMap((workload) => Object.entries(workload.counts()))
  const facts = [
    'window-evaluated',
    'prediction-segment-sealed',
    'policy-fired',
    'pipeline-run-started',
    'promotion-accepted',
    'rollout-completed',
  ]
  return [
    `seed ${SEED}: ${ROUNDS} kills. Acknowledged and there once:`,
    `${counts.map(([what, count]) => `${count} ${what}`).join(', ')}.`,
    `Of ${ledger.entries()} facts:`,
    `${facts.map((type) => `${ledger.count(type)} ${type}`).join(', ')}.`,
  ].join(' ')
}
