import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** So much may have passed before its buffers are taken back. */
const PASSED_BYTES = 16 << 20

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

function collector(): (options: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as (options: { type: 'minor' }) => void
}
