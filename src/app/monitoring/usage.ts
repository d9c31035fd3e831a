import { messageOf } from '#base/problem'
import { createUsage, type Usage } from '#usage'
import type { Ground } from '../ground.ts'
import type { PlaneProcess } from '../plane/supervise.ts'

/** So much of what was counted may be lost when everything is killed at once. */
const LOOK_MS = 15_000

/** What revisions answer and take, by the hour. */
export function usageOf({ store, clock }: Ground, plane: PlaneProcess): Usage {
  return createUsage({
    read: store.read.usage,
    transact: store.transact,
    count: plane.usage,
    clock,
  })
}

/** Keeps looking at what was counted until the server stops, and once more then. */
export function watchUsage({ logger, onStop }: Ground, { usage }: { usage: Usage }): void {
  const look = () =>
    usage.collect().catch((error: unknown) => {
      logger.error({ error: messageOf(error) }, 'what was counted is not kept yet; will try again')
    })
  const timer = setInterval(() => void look(), LOOK_MS)
  onStop(async () => {
    clearInterval(timer)
    await look()
  })
}
