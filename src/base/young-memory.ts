import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** So much may have passed before its buffers are taken back. */
const PASSED_BYTES = 16 << 20

/** A start has come to rest by then. */
const START_MS = 3000

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
    collect ??= collector()
    collect({ type: 'minor' })
  }
}

/**
 * Has V8 give back what only the start needed. An idle process does so by itself, in small steps, a while after anything was
 * collected that is not young; a start ends before that, and half of its heap would stay empty until there is load.
 */
export function giveBackAfterStart(afterMs = START_MS): void {
  setTimeout(() => {
    collect ??= collector()
    collect({ type: 'minor' })
  }, afterMs).unref()
}

function collector(): (options: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as (options: { type: 'minor' }) => void
}
