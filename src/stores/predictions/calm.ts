import { setTimeout as sleep } from 'node:timers/promises'
import { spareProcessors } from '#base/idle-share'
import type { JournalSource } from '#inference'

/** Less of a processor to spare is none for long work. */
const SPARE_MIN = 0.25
/** So often it is seen whether answers leave time for other things. */
const LOOK_MS = 250

/**
 * Waits while the journal grows on a machine that has no time left, but not longer than `mostMs`: what answers are put
 * off for is done at last, however long they come. Throws the signal's reason.
 */
export async function calm(
  source: Pick<JournalSource, 'end'>,
  { mostMs, signal, spare = spareProcessors() }: Wait,
): Promise<void> {
  let before = source.end()
  for (let leftMs = mostMs; leftMs > 0; leftMs -= LOOK_MS) {
    await sleep(LOOK_MS)
    signal?.throwIfAborted()
    const now = source.end()
    const hasGrown = now.file !== before.file || now.offset !== before.offset
    if (!hasGrown || spare() >= SPARE_MIN) return
    before = now
  }
}

interface Wait {
  readonly mostMs: number
  readonly signal?: AbortSignal | undefined
  /** How many processors there were to spare since it was asked before. */
  readonly spare?: () => number
}
