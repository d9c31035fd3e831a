import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { verifyHome } from '#app/home/verify-home'
import { chanceOf, type Chance } from '../support/random.ts'
import { grpcAsker, httpAsker, HTTP_PROTOCOLS, type Asker } from '../support/serving-storm/asks.ts'
import { newBook, outages, type Book, type Outages } from '../support/serving-storm/book.ts'
import { newOperators } from '../support/serving-storm/operators.ts'
import {
  ENDPOINTS,
  ON_DEMAND,
  openWorld,
  PYTHON,
  type StormWorld,
} from '../support/serving-storm/world.ts'

// A failure is played again with its seed, as far as the scheduler allows:
// ORRERY_STORM_SEED=… npx vitest run --project all tests/simulation/serving-storm.test.ts
const ROUNDS = Number(process.env['ORRERY_STORM_ROUNDS'] ?? 6)
const SEED = Number(process.env['ORRERY_STORM_SEED'] ?? Date.now() % 2 ** 32)
const CLIENTS = 64
const ROUND_MS = 3000
/** Between two requests of a client. */
const PAUSE_MS_MAX = 80
/** Of the requests, so many have a name of their own; their fate can be asked for. */
const NAMED_SHARE = 0.2

test(
  `every request gets one answer, its own, from one revision, or a clear refusal, ${ROUNDS} rounds long (seed ${SEED})`,
  { timeout: 120_000 + ROUNDS * 90_000 },
  async () => {
    const world = await openWorld()
    try {
      expect(await storm(world)).toEqual([])
      await world.remove()
    } catch (error) {
      console.log(`what seed ${SEED} left is in ${world.home}: ${world.server().family.log()}`)
      throw error
    } finally {
      await world.end()
    }
  },
)

/** What is wrong; a round after which anything is wrong is the last one. */
async function storm(world: StormWorld): Promise<string[]> {
  const chance = chanceOf(SEED)
  const book = newBook()
  const away = outages()
  const operators = newOperators(world, chance.fork(), away)
  const askers = clientsOf(world)
  const next = counter()
  const clients = askers.map((asker) =>
    clientOf(asker, { chance: chance.fork(), next, book, away }),
  )
  const ids = new Map<string, Set<string>>(ENDPOINTS.map((name) => [name, new Set()]))
  let fromMs = Date.now()
  for (let round = 1; round <= ROUNDS; round++) {
    const stop = new AbortController()
    const asking = Promise.all(clients.map((ask) => ask(stop.signal)))
    await operators.work(performance.now() + ROUND_MS)
    stop.abort()
    await asking
    await world.up()
    const wrong = [...(await settled(book)), ...operators.faults, ...book.faults]
    const toMs = Date.now() + 1
    const logged = []
    for (const name of ENDPOINTS) {
      const found = await world.logged(name, fromMs, toMs)
      for (const { id } of found) ids.get(name)?.add(id)
      // One by one: there may be more than a call takes arguments.
      for (const each of found) logged.push(each)
    }
    fromMs = toMs
    wrong.push(...book.review(logged), ...(await verifyHome(world.home)).faults)
    if (wrong.length > 0) return [`round ${round}`, ...wrong.slice(0, 20)]
  }
  for (const asker of askers) asker.close()
  const { answered, refused, lost } = book.counts
  console.log(
    `seed ${SEED}: ${answered} answered, ${refused} refused, ${lost} lost with a process. ${JSON.stringify(operators.done)}`,
  )
  return lastFaults(world, ids)
}

/** What is logged now, after all that has happened since, is what was logged each time. */
async function lastFaults(
  world: StormWorld,
  ids: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<string[]> {
  const wrong: string[] = []
  for (const name of ENDPOINTS) {
    const all = (await world.logged(name, 0, Date.now() + 1)).map(({ id }) => id)
    if (new Set(all).size !== all.length || all.length !== ids.get(name)?.size)
      wrong.push(`${name} has ${all.length} predictions, and had ${ids.get(name)?.size}`)
  }
  return [...wrong, ...((await world.server().stop()) === 0 ? [] : ['the last stop failed'])]
}

function clientsOf({ ports }: StormWorld): Asker[] {
  const kinds = [
    ...HTTP_PROTOCOLS.flatMap((protocol) =>
      [ports.server, ports.plane].map((port) => () => httpAsker(protocol, port)),
    ),
    () => grpcAsker(ports.grpc),
    () => grpcAsker(ports.grpc),
  ]
  return Array.from({ length: CLIENTS }, (_, n) => (kinds[n % kinds.length] as () => Asker)())
}

/** Each number is asked once, by anybody. */
function counter(): () => number {
  let last = 0
  return () => {
    last += 1
    return last + 0.5
  }
}

function clientOf(
  asker: Asker,
  { chance, next, book, away }: { chance: Chance; next: () => number; book: Book; away: Outages },
) {
  return async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const x = next()
      const endpoint =
        chance.next() < 0.05 ? PYTHON : chance.next() < 0.4 ? ON_DEMAND : ENDPOINTS[0]
      const named = chance.next() < NAMED_SHARE ? { id: `storm-${SEED}-${x}` } : {}
      const question = { endpoint, x, ...named }
      const sinceMs = performance.now()
      const answered = await asker.ask(question)
      book.enter(question, answered, { by: asker, away: away.since(sinceMs) })
      await sleep(chance.between(0, answered.kind !== 'lost' ? PAUSE_MS_MAX : 10 * PAUSE_MS_MAX))
    }
  }
}

/** Asks again, under the same names, what was lost with a process: the log may have the answer. */
async function settled(book: Book): Promise<string[]> {
  const wrong: string[] = []
  for (const { by, ...question } of book.unknown()) {
    let answered = await by.ask(question)
    // What it asked may still be loaded again.
    for (let tries = 0; answered.kind === 'refused' && tries < 200; tries++) {
      if (answered.how.includes('was unloaded')) break
      await sleep(100)
      answered = await by.ask(question)
    }
    if (answered.kind === 'lost') wrong.push(`nobody was ended, and still: ${answered.how}`)
    book.enter(question, answered, { by, away: new Set(['killed']) })
  }
  return wrong
}
