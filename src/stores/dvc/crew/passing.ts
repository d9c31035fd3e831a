import { statSync } from 'node:fs'
import { MIB } from '../legacy-hash.ts'

/** How many MiB this thread has read; a thread of the crew counts where the process can see it. */
let read: Int32Array = new Int32Array(1)

export function countInto(shared: Int32Array): void {
  read = shared
}

export function countMib(): void {
  Atomics.add(read, 0, 1)
}

/** Who wants to know how far an order is. */
export interface Watch {
  /** Files that the system writes by itself: how far it is with them only their sizes tell. */
  readonly writes: readonly string[]
  /** Told of bytes that were read or written since it was told before. */
  readonly passed: (sizeBytes: number) => void
}

/** Few enough to cost nothing, and enough for a bar that moves. */
const TELL_MS = 100

/** Tells while a thread works through an order; gives what ends that. */
export function watchOrder(counter: Int32Array, { writes, passed }: Watch): () => void {
  const from = Atomics.load(counter, 0)
  const written = new Map<string, number>()
  let toldBytes = 0
  const timer = setInterval(() => {
    for (const path of writes) noteSize(written, path)
    const sizes = [...written.values()].reduce((sum, each) => sum + each, 0)
    const nowBytes = (Atomics.load(counter, 0) - from) * MIB + sizes
    passed(nowBytes - toldBytes)
    toldBytes = nowBytes
  }, TELL_MS)
  return () => clearInterval(timer)
}

/** What has got its own name meanwhile was written whole. */
function noteSize(written: Map<string, number>, path: string): void {
  const sizeBytes = statSync(path, { throwIfNoEntry: false })?.size
  if (sizeBytes !== undefined) written.set(path, sizeBytes)
}
