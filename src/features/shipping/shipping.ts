import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { messageOf, Problem } from '#base/problem'
import { createTurns } from '#base/turns'
import type { Actor, LedgerReads, LedgerWrites, Transact } from '#ledger'
import type { Destinations, Seal } from '#webhooks'
import type { Handler, WorkWrites } from '#work'
import * as facts from './facts.ts'
import {
  checkReceiver,
  FRESH,
  RECEIVERS_MAX,
  type LogReceiver,
  type NewLogReceiver,
} from './receiver.ts'
import { deliver, nextOf, type Send, type Sources } from './ship.ts'
import type { ShippingReads, ShippingWrites } from './store.ts'

const SHIP_LOGS = 'ship-logs'

export interface Shipping {
  list(): Promise<LogReceiver[]>
  /** Throws `not-found`. */
  get(id: string): Promise<LogReceiver>
  add(actor: Actor, receiver: NewLogReceiver): Promise<LogReceiver>
  remove(actor: Actor, id: string): Promise<void>
  /** Has all receivers be sent what they have not been sent. Asking twice is asking once. */
  tick(): Promise<void>
  readonly handler: Handler
}

interface Tx {
  readonly shipping: ShippingWrites
  readonly work: WorkWrites
  readonly ledger: LedgerWrites
}

export interface ShippingDependencies {
  readonly read: ShippingReads
  readonly transact: Transact<Pick<Tx, 'shipping' | 'work'>>
  readonly ledger: Pick<LedgerReads, 'list' | 'size'>
  readonly sources: Omit<Sources, 'ledger'>
  readonly destinations: Pick<Destinations, 'check'>
  readonly send: Send
  readonly seal: Seal
  readonly clock: Clock
  readonly ids: Ids
}

export function createShipping(dependencies: ShippingDependencies): Shipping {
  const { read, transact, ids } = dependencies
  const asked = new Set<string>()
  const get = async (id: string): Promise<LogReceiver> => {
    const all = await read.list()
    const found = all.find((each) => each.id === id || each.name === id)
    if (found !== undefined) return found
    throw new Problem(
      'not-found',
      `there is no log receiver ${id}; "orrery log-receivers list" shows those that there are`,
    )
  }
  return {
    list: read.list,
    get,
    add: adder(dependencies),
    remove: async (actor, id) => {
      const receiver = await get(id)
      await transact(async ({ shipping, ledger }) => {
        await shipping.remove(receiver.id)
        await ledger.append(actor, [facts.receiverRemoved(receiver)])
      })
    },
    tick: async () => {
      const waiting = (await read.list()).filter(({ id }) => !asked.has(id))
      if (waiting.length === 0) return
      for (const { id } of waiting) asked.add(id)
      const jobs = waiting.map(({ id }) => ({
        kind: SHIP_LOGS,
        key: `${SHIP_LOGS} ${id} ${ids.ulid()}`,
        payload: { receiver: id },
      }))
      await transact(({ work }) => work.enqueue(jobs))
    },
    handler: handlerOf(dependencies, (id) => asked.delete(id)),
  }
}

function adder({
  read,
  transact,
  ledger,
  sources,
  destinations,
  seal,
  clock,
  ids,
}: ShippingDependencies) {
  return async (actor: Actor, asked: NewLogReceiver): Promise<LogReceiver> => {
    checkReceiver(asked)
    await destinations.check(asked.url)
    const { name, logs, namespace = 'default', key, from } = asked
    const id = ids.ulid()
    const receiver: LogReceiver = {
      id,
      name,
      url: asked.url.replace(/\/+$/, ''),
      logs,
      namespace,
      key: key === undefined ? null : seal.seal(key, id),
      createdMs: clock.nowMs(),
      reached:
        from === 'start'
          ? { events: -1, predictions: {} }
          : { events: (await ledger.size()) - 1, predictions: await ends(sources) },
      health: FRESH,
    }
    const all = await read.list()
    if (all.some((each) => each.name === name))
      throw new Problem(
        'exists',
        `there is a log receiver ${name}; remove it, or choose another name`,
      )
    if (all.length >= RECEIVERS_MAX)
      throw new Problem('limit', `there are ${RECEIVERS_MAX} log receivers; remove one first`)
    await transact(async (tx) => {
      await tx.shipping.save(receiver)
      await tx.ledger.append(actor, [facts.receiverAdded(receiver)])
    })
    return receiver
  }
}

/** Where each endpoint's log ends now. */
async function ends({ endpoints, predictions }: Omit<Sources, 'ledger'>) {
  const found: Record<string, number> = {}
  for (const endpoint of await endpoints())
    found[endpoint] = await predictions.arrivalsEnd(endpoint)
  return found
}

function handlerOf(dependencies: ShippingDependencies, onDone: (id: string) => void): Handler {
  const inTurn = createTurns()
  const runs = { kind: SHIP_LOGS, concurrency: 4, attemptsMax: Number.MAX_SAFE_INTEGER }
  return {
    ...runs,
    run: async (job, signal) => {
      const { receiver: id } = job.payload as { receiver: string }
      await inTurn(id, () => shipAll(dependencies, id, signal))
      onDone(id)
    },
    abandoned: async (job) => onDone((job.payload as { receiver: string }).receiver),
  }
}

/** Sends what there is, piece by piece; the place is kept after each, so that a crash sends one piece again. */
async function shipAll(
  { read, transact, ledger, sources, send, clock }: ShippingDependencies,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const receiver = await read.find(id)
    const next = receiver && (await nextOf({ ledger, ...sources }, receiver))
    if (receiver === undefined || next === undefined) return
    const keep = (change: Partial<LogReceiver>) =>
      transact(async ({ shipping }) => {
        const now = await shipping.find(id)
        if (now !== undefined) await shipping.save({ ...now, ...change })
      })
    const { health } = receiver
    try {
      const sent = await deliver((part) => send(receiver, part, signal), next.documents)
      await keep({
        reached: next.reached,
        health: {
          shipped: health.shipped + sent.taken,
          rejected: health.rejected + sent.refusals.length,
          rejection: sent.refusals.at(-1) ?? health.rejection,
          failures: 0,
          failure: null,
          shippedMs: clock.nowMs(),
        },
      })
    } catch (error) {
      signal.throwIfAborted()
      const failure = messageOf(error).slice(0, 1000)
      await keep({ health: { ...health, failures: health.failures + 1, failure } })
      // The job is tried again, later and later.
      throw new Problem('unavailable', `the log receiver ${receiver.name}: ${failure}`)
    }
  }
}
