import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { perform, type OrderOf, type ResultOf, type Trade } from './trades.ts'

/** Asks a thread of the crew, or without one does it here. */
async function ask<T extends Trade>(
  trade: T,
  order: OrderOf<T>,
  how: { here: boolean } & Hands,
): Promise<ResultOf<T>> {
  if (!how.here) return handOver(trade, order, how)
  // Small orders only: between two of them the event loop goes on.
  await nextTurn()
  return perform(trade, order)
}

/**
 * Works through all items in orders of a size; small work is done here. Large work is done by the crew: threads
 * that look at, hash and copy files with calls that block, which costs a tenth of what the same costs with
 * promises. One crew serves the whole process. Where orders are short, this thread takes its part of them: a
 * thread needs 40 ms to start, and there is no processor for one more than there are processors.
 */
export async function inOrders<Item, T extends Trade>(
  items: readonly Item[],
  plan: {
    trade: T
    perOrder: number
    /** From so many items on the crew is worth its start. */
    crewFrom: number
    /** How many items take a few milliseconds, to be done here while the crew works; 0 where a single one may take long. */
    perTurn?: number
    order: (items: readonly Item[], first: number) => OrderOf<T>
    done: (result: ResultOf<T>, items: readonly Item[], first: number) => void
  },
): Promise<void> {
  const isSmall = items.length < plan.crewFrom
  const perTurn = Math.min(plan.perOrder, isSmall ? HERE_AT_ONCE : (plan.perTurn ?? 0))
  const isShared = !isSmall && perTurn > 0
  const hands = { most: isShared ? CREW_SIZE - 1 : CREW_SIZE, jobsEach: isShared ? 2 : 1 }
  let next = 0
  const failed: unknown[] = []
  const take = async (here: boolean, size: number) => {
    for (let first = next; first < items.length && failed.length === 0; first = next) {
      next += size
      const part = items.slice(first, first + size)
      try {
        plan.done(await ask(plan.trade, plan.order(part, first), { here, ...hands }), part, first)
      } catch (error) {
        failed.push(error)
      }
    }
  }
  const takers = Array.from({ length: isSmall ? 0 : hands.most * 2 }, () =>
    take(false, plan.perOrder),
  )
  if (perTurn > 0) takers.push(take(true, perTurn))
  // Who cleans up after a failure must find all that was made.
  await Promise.all(takers)
  if (failed.length > 0) throw failed[0]
}

const HERE_AT_ONCE = 128

/** More than these would wait for the disk or for each other. */
const CREW_SIZE = Math.min(8, availableParallelism())

interface Hands {
  readonly most: number
  /** A second job is there when the first is done, also while this thread works and hands out nothing. */
  readonly jobsEach: number
}

interface Job {
  readonly jobsEach: number
  readonly trade: Trade
  readonly order: unknown
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

interface Hand {
  readonly worker: Worker
  /** In the order in which it was given them, which is the order in which it is done with them. */
  readonly jobs: Job[]
}

const waiting: Job[] = []
const crew: Hand[] = []

function handOver<T extends Trade>(
  trade: T,
  order: OrderOf<T>,
  { most, jobsEach }: Hands,
): Promise<ResultOf<T>> {
  return new Promise((resolve, reject) => {
    waiting.push({ trade, order, jobsEach, resolve, reject })
    if (crew.length < most && crew.every(({ jobs }) => jobs.length > 0)) hire()
    giveWork()
  })
}

function hire(): void {
  const worker = new Worker(new URL(`./thread${extname(import.meta.url)}`, import.meta.url))
  const hand: Hand = { worker, jobs: [] }
  crew.push(hand)
  worker.on('message', ({ result, error }: { result: never; error?: NodeJS.ErrnoException }) => {
    const job = hand.jobs.shift()
    if (error === undefined) job?.resolve(result)
    else job?.reject(Object.assign(new Error(error.message), error))
    giveWork()
  })
  worker.on('error', (error) => {
    crew.splice(crew.indexOf(hand), 1)
    const reason = error instanceof Error ? error : new Error(String(error))
    for (const job of hand.jobs) job.reject(reason)
  })
}

/** The first jobs go to those that have none. */
function giveWork(): void {
  for (const held of [0, 1]) for (const hand of crew) if (hand.jobs.length === held) giveTo(hand)
  // An idle thread keeps no process alive.
  for (const { worker, jobs } of crew) if (jobs.length === 0) worker.unref()
}

function giveTo({ worker, jobs }: Hand): void {
  const [job] = waiting
  if (job === undefined || jobs.length >= job.jobsEach) return
  waiting.shift()
  jobs.push(job)
  worker.ref()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  worker.postMessage({ trade: job.trade, order: job.order })
}
