import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** So much may have passed before its buffers are taken back. */
const PASSED_BYTES = 16 << 20

/** So often it is looked whether a process has come to rest. */
const LOOK_MS = 5000
/** A process that works for more of its time than this is not at rest. */
const BUSY = 0.1

let collect: ((options: { type: 'minor' }) => void) | undefined

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
    collectYoung()
  }
}

/**
 * Has V8 look, in small steps, for what only work has needed, a start among it, when rest follows. Without that it keeps what a
 * start took until there is load; after load it decides by itself whether giving back is worth its while.
 */
export function giveBackAtRest(lookMs = LOOK_MS): void {
  let before = performance.eventLoopUtilization()
  let hasWorked = true
  const look = () => {
    const now = performance.eventLoopUtilization()
    const isBusy = performance.eventLoopUtilization(now, before).utilization > BUSY
    before = now
    if (!isBusy && hasWorked) collectYoung()
    hasWorked = isBusy
  }
  setInterval(look, lookMs).unref()
}

function collectYoung(): void {
  collect ??= collector()
  collect({ type: 'minor' })
}

function collector(): (options: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as (options: { type: 'minor' }) => void
}
