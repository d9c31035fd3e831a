import { parentPort, workerData } from 'node:worker_threads'
import { countInto } from './passing.ts'
import { perform, type OrderOf, type Trade } from './trades.ts'

countInto(workerData as Int32Array)

parentPort?.on('message', ({ trade, order }: { trade: Trade; order: OrderOf<Trade> }) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  parentPort?.postMessage(answered(trade, order))
})

function answered(trade: Trade, order: OrderOf<Trade>) {
  try {
    return { result: perform(trade, order) }
  } catch (error) {
    // An error's code does not travel by itself.
    const { message, code, path } = error as NodeJS.ErrnoException
    return { error: { message, code, path } }
  }
}
