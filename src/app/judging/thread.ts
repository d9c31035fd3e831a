import { parentPort } from 'node:worker_threads'
import { done } from '#monitoring'
import type { PredictionRow } from '#serving'
import type { Answer, Order } from './messages.ts'

// Keeps the rows that it is sent, and does works over them, one after the other.

const taken = new Map<number, PredictionRow[]>()

parentPort?.on('message', (order: Order) => {
  if (order.kind === 'rows') {
    const rows = taken.get(order.bench) ?? []
    for (const row of order.rows) rows.push(row)
    taken.set(order.bench, rows)
    return
  }
  if (order.kind === 'close') {
    taken.delete(order.bench)
    return
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort?.postMessage(answered(order))
})

function answered({ work, bench, name, input }: Extract<Order, { kind: 'work' }>): Answer {
  try {
    return { work, result: done(name, taken.get(bench) ?? [], input) }
  } catch (error) {
    return { work, error: error instanceof Error ? error : new Error(String(error)) }
  }
}
