import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** So much may have passed before its buffers are taken back. */
const PASSED_BYTES = 16 << 20

/** So often it is looked whether a process has come to rest. */
const LOOK_MS = 5000
/** A process that works for more of its time than this is not at rest. */
const BUSY = 0.05
/** To give back less is not worth the pause, of some 50 ms, in which all of the heap is walked. */
const WORTH_BYTES = 32 << 20

type Collection = { type: 'minor' } | { type: 'major'; flavor: 'last-resort' }
let collect: ((options: Collection) => void) | undefined

/**
 * Takes back the buffers of bytes that have passed by. They live for a moment, but V8 counts them until it walks the
 * whole heap, and does so for every 64 MB of them: half of the time of a large file went there. Looking only at
 * what is young takes a millisecond and keeps memory flat.
 */
export function passedBytes(): (bytes: number) => void {
  let passed = 0
  return (bytes) => {
    passed += bytes
    if (passed < PASSED_BYTES) return
    passed = 0
    collected({ type: 'minor' })
  }
}

/**
 * Has V8 give back what only work has needed, a start among it, when rest follows. By itself it does so where old objects
 * have become more, and keeps the room for young ones, up to 200 MB of it, for as long as nothing else is asked.
 */
export function giveBackAtRest(lookMs = LOOK_MS): void {
  let before = performance.eventLoopUtilization()
  let neededBytes = 0
  const look = () => {
    const now = performance.eventLoopUtilization()
    const isBusy = performance.eventLoopUtilization(now, before).utilization > BUSY
    before = now
    if (isBusy) return
    if (process.memoryUsage.rss() - neededBytes > WORTH_BYTES) {
      collected({ type: 'major', flavor: 'last-resort' })
      neededBytes = process.memoryUsage.rss()
    }
    // What lies outside of the heap may be given back later.
    neededBytes = Math.min(neededBytes, process.memoryUsage.rss())
  }
  setInterval(look, lookMs).unref()
}

function collected(what: Collection): void {
  collect ??= collector()
  collect(what)
}

function collector(): (options: Collection) => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as (options: Collection) => void
}
