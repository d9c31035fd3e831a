import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from '../random.ts'
import type { Outages } from './book.ts'
import { ENDPOINTS, ON_DEMAND, PINNED, PYTHON, VERSIONS, type StormWorld } from './world.ts'

// What happens to a server while it is asked.

export interface Operators {
  readonly done: Record<string, number>
  readonly faults: string[]
  /** One thing after the other, until it is time. */
  work(untilMs: number): Promise<void>
}

/** A process that was killed was away until its ports answer again, and a moment longer. */
const AFTER_MS = 300

export function newOperators(world: StormWorld, chance: Chance, away: Outages): Operators {
  const done: Record<string, number> = {}
  const faults: string[] = []
  const told = async (method: string, path: string, body?: unknown) => {
    const answer = await world.ask(method, path, body)
    // 409: another rollout is under way. 503: something was just ended.
    const isFine = answer === undefined || answer.status < 300 || [409, 503].includes(answer.status)
    if (!isFine) faults.push(`${method} ${path}: ${JSON.stringify(answer)}`)
    return answer
  }
  const deeds = { ...changes(told, chance), ...ends(world, chance, away) }
  const bag = Object.entries(DEEDS).flatMap(([name, times]) =>
    Array.from({ length: times }, () => name as keyof typeof deeds),
  )
  return {
    done,
    faults,
    work: async (untilMs) => {
      while (performance.now() < untilMs) {
        await sleep(chance.between(10, 250))
        const deed = chance.pick(bag)
        await deeds[deed]()
        done[deed] = (done[deed] ?? 0) + 1
      }
    },
  }
}

/** How often each is done, relative to the others. */
const DEEDS = {
  point: 12,
  divide: 10,
  load: 6,
  unload: 4,
  rollOut: 4,
  killModel: 6,
  killPython: 1,
  killPlane: 1,
  killServer: 1,
  restart: 1,
}

type Told = (method: string, path: string, body?: unknown) => ReturnType<StormWorld['ask']>

const path = (endpoint: string, rest: string) => `/api/v1/endpoints/${endpoint}/${rest}`

function changes(told: Told, chance: Chance) {
  return {
    /** A rollout, or a way back. */
    point: () =>
      told('POST', '/api/2.0/mlflow/registered-models/alias', {
        name: chance.pick([PINNED, PINNED, ON_DEMAND, ON_DEMAND, PYTHON]),
        alias: 'live',
        version: String(chance.between(1, VERSIONS + 1)),
      }),
    divide: async () => {
      const endpoint = chance.pick([PINNED, ON_DEMAND])
      const found = await told('GET', path(endpoint, 'revisions?limit=20'))
      const { revisions = [] } = (found?.body ?? {}) as { revisions?: { revision: number }[] }
      const numbers = revisions.map(({ revision }) => revision)
      if (numbers.length < 2) return
      const [one, other] = [chance.pick(numbers), chance.pick(numbers)]
      const weights = [...new Set([one, other])].map((revision) => ({
        revision,
        weight: chance.between(1, 10),
      }))
      await told('PUT', path(endpoint, 'traffic'), { weights })
    },
    load: () => told('POST', path(ON_DEMAND, 'load')),
    unload: () => told('POST', path(ON_DEMAND, 'unload')),
    rollOut: () => told('POST', path(chance.pick(ENDPOINTS), 'rollout')),
  }
}

function ends(world: StormWorld, chance: Chance, away: Outages) {
  const outage = async (how: 'killed' | 'drained', end: () => Promise<unknown>) => {
    const over = away.begin(how)
    await end()
    await world.up()
    await sleep(AFTER_MS)
    over()
  }
  return {
    killModel: () => world.killOne('model'),
    killPython: () => world.killOne('python'),
    killPlane: () => outage('killed', () => world.killOne('plane')),
    killServer: () =>
      outage('killed', async () => {
        await world.server().kill()
        await sleep(chance.between(0, 200))
        await world.start()
      }),
    restart: () =>
      outage('drained', async () => {
        const status = await world.server().stop()
        if (status !== 0) throw new Error(`a stop ended with ${status}`)
        await world.start()
      }),
  }
}
