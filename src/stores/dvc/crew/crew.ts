import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { watchOrder, type Watch } from './passing.ts'
import { perform, type OrderOf, type ResultOf, type Trade } from './trades.ts'

/**
 * Threads that look at, hash and copy files with calls that block, which costs a tenth of what the
 * same costs with promises. One crew serves the whole process; it is hired by the first large piece of work.
 */
export async function ask<T extends Trade>(
  trade: T,
  order: OrderOf<T>,
  how: { here: boolean; watch?: Watch | undefined },
): Promise<ResultOf<T>> {
  if (!how.here) return handOver(trade, order, how.watch)
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
    /** `toldBytes` are those of the order that were told as they passed. */
    done: (result: ResultOf<T>, items: readonly Item[], first: number, toldBytes: number) => void
    /** Told of bytes of large files as they pass, some times a second. */
    passed?: ((sizeBytes: number) => void) | undefined
    /** Files of an order that the system copies by itself. */
    writes?: (items: readonly Item[], first: number) => readonly string[]
  },
): Promise<void> {
  const here = items.length < plan.crewFrom
  const size = here ? Math.min(plan.perOrder, HERE_AT_ONCE) : plan.perOrder
  const work = async (first: number) => {
    const part = items.slice(first, first + size)
    let toldBytes = 0
    const watch = plan.passed && {
      writes: plan.writes?.(part, first) ?? [],
      passed: (sizeBytes: number) => {
        toldBytes += sizeBytes
        plan.passed?.(sizeBytes)
      },
    }
    const result = await ask(plan.trade, plan.order(part, first), { here, watch })
    plan.done(result, part, first, toldBytes)
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
  readonly watch: Watch | undefined
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

const waiting: Job[] = []
interface Hand {
  readonly worker: Worker
  /** Counts what the thread has read. */
  readonly counter: Int32Array
  job: Job | undefined
  unwatch: (() => void) | undefined
}

const hands: Hand[] = []

function handOver<T extends Trade>(
  trade: T,
  order: OrderOf<T>,
  watch: Watch | undefined,
): Promise<ResultOf<T>> {
  return new Promise((resolve, reject) => {
    waiting.push({ trade, order, watch, resolve, reject })
    if (hands.length < CREW_SIZE && hands.every(({ job }) => job !== undefined)) hire()
    for (const hand of hands) giveWork(hand)
  })
}

function hire(): void {
  // Most commands have no work for threads, and what makes them takes a twentieth of a short one's time to load.
  const { Worker } = process.getBuiltinModule('node:worker_threads')
  const counter = new Int32Array(new SharedArrayBuffer(4))
  const thread = new URL(`./thread${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(thread, { workerData: counter })
  const hand: Hand = { worker, counter, job: undefined, unwatch: undefined }
  hands.push(hand)
  worker.on('message', ({ result, error }: { result: never; error?: NodeJS.ErrnoException }) => {
    const { job } = hand
    hand.job = undefined
    hand.unwatch?.()
    if (error === undefined) job?.resolve(result)
    else job?.reject(Object.assign(new Error(error.message), error))
    giveWork(hand)
  })
  worker.on('error', (error) => {
    hands.splice(hands.indexOf(hand), 1)
    hand.unwatch?.()
    hand.job?.reject(error instanceof Error ? error : new Error(String(error)))
  })
}

function giveWork(hand: Hand): void {
  if (hand.job !== undefined) return
  hand.job = waiting.shift()
  // An idle thread keeps no process alive.
  if (hand.job === undefined) {
    hand.worker.unref()
    return
  }
  hand.worker.ref()
  hand.unwatch = hand.job.watch && watchOrder(hand.counter, hand.job.watch)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  hand.worker.postMessage({ trade: hand.job.trade, order: hand.job.order })
}
