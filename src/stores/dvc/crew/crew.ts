import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { perform, type OrderOf, type ResultOf, type Trade } from './trades.ts'

/**
 * Threads that look at, hash and copy files with calls that block, which costs a tenth of what the
 * same costs with promises. One crew serves the whole process; it is hired by the first large piece of work.
 */
export async function ask<T extends Trade>(
  trade: T,
  order: OrderOf<T>,
  how: { here: boolean },
): Promise<ResultOf<T>> {
  if (!how.here) return handOver(trade, order)
  // Small orders only: between two of them the event loop goes on.
  await nextTurn()
  return perform(trade, order)
}

/** Works through all items in orders of a size; small work is done here, large work by the crew. */
export async function inOrders<Item, T extends Trade>(
  items: readonly Item[],
  plan: {
    trade: T
    perOrder: number
    /** From so many items on the crew is worth its start. */
    crewFrom: number
    order: (items: readonly Item[], first: number) => OrderOf<T>
    done: (result: ResultOf<T>, items: readonly Item[], first: number) => void
  },
): Promise<void> {
  const here = items.length < plan.crewFrom
  const size = here ? Math.min(plan.perOrder, HERE_AT_ONCE) : plan.perOrder
  const work = async (first: number) => {
    const part = items.slice(first, first + size)
    plan.done(await ask(plan.trade, plan.order(part, first), { here }), part, first)
  }
  let next = 0
  const take = async () => {
    for (let first = next; first < items.length; first = next) {
      next += size
      await work(first)
    }
  }
  const takers = here ? 1 : CREW_SIZE * 2
  await Promise.all(Array.from({ length: takers }, take))
}

const HERE_AT_ONCE = 128

/** More than these would wait for the disk or for each other. */
const CREW_SIZE = Math.min(8, availableParallelism())

interface Job {
  readonly trade: Trade
  readonly order: unknown
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

const waiting: Job[] = []
const hands: { worker: Worker; job: Job | undefined }[] = []

function handOver<T extends Trade>(trade: T, order: OrderOf<T>): Promise<ResultOf<T>> {
  return new Promise((resolve, reject) => {
    waiting.push({ trade, order, resolve, reject })
    if (hands.length < CREW_SIZE && hands.every(({ job }) => job !== undefined)) hire()
    for (const hand of hands) giveWork(hand)
  })
}

function hire(): void {
  // Most commands have no work for threads, and what makes them takes a twentieth of a short one's time to load.
  const { Worker } = process.getBuiltinModule('node:worker_threads')
  const worker = new Worker(new URL(`./thread${extname(import.meta.url)}`, import.meta.url))
  const hand: (typeof hands)[number] = { worker, job: undefined }
  hands.push(hand)
  worker.on('message', ({ result, error }: { result: never; error?: NodeJS.ErrnoException }) => {
    const { job } = hand
    hand.job = undefined
    if (error === undefined) job?.resolve(result)
    else job?.reject(Object.assign(new Error(error.message), error))
    giveWork(hand)
  })
  worker.on('error', (error) => {
    hands.splice(hands.indexOf(hand), 1)
    hand.job?.reject(error instanceof Error ? error : new Error(String(error)))
  })
}

function giveWork(hand: (typeof hands)[number]): void {
  if (hand.job !== undefined) return
  hand.job = waiting.shift()
  // An idle thread keeps no process alive.
  if (hand.job === undefined) {
    hand.worker.unref()
    return
  }
  hand.worker.ref()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  hand.worker.postMessage({ trade: hand.job.trade, order: hand.job.order })
}
