import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { Slot, Slots } from './slots.ts'

/** The memory that models may take. */
export interface MemoryBudget {
  readonly bytesMax: number
  /** What these processes take now. */
  bytesOf(pids: readonly number[]): Promise<number>
}

const LOOK_MS = 2000
/** Whoever was asked so lately is asked again soon. */
const RECENT_MS = 500

/** Lets go what is loaded on demand and was asked longest ago, while all models together take too much memory. */
export function createEviction(dependencies: {
  slots: Slots
  memory: MemoryBudget
  logger: Logger
  onEvicted: (endpoint: string) => void
}): { look(): void; stop(): void } {
  const { slots, memory, logger, onEvicted } = dependencies
  let looking = false
  const evict = async () => {
    for (;;) {
      const bytes = await memory.bytesOf(pidsOf(slots))
      if (bytes <= memory.bytesMax) return
      const slot = leastRecent(slots)
      if (slot === undefined) return
      logger.info(
        { endpoint: slot.table.name, bytes },
        'an endpoint is let go, for memory is short',
      )
      await slots.letGo(slot)
      onEvicted(slot.table.name)
    }
  }
  const look = () => {
    if (looking) return
    looking = true
    evict()
      .catch((error: unknown) =>
        logger.warn({ error: messageOf(error) }, 'memory was not looked at'),
      )
      .finally(() => {
        looking = false
      })
  }
  const timer = setInterval(look, LOOK_MS).unref()
  return { look, stop: () => clearInterval(timer) }
}

function pidsOf({ all }: Slots): number[] {
  const pids = [...all.values()].flatMap(({ units }) =>
    [...units.values()].flatMap(({ deployed }) => deployed?.process.pid ?? []),
  )
  return [...new Set(pids)]
}

function leastRecent({ all }: Slots): Slot | undefined {
  const untilMs = performance.now() - RECENT_MS
  let least: Slot | undefined
  for (const slot of all.values()) {
    const isLoaded = [...slot.units.values()].some(({ deployed }) => deployed !== undefined)
    if (slot.table.settings?.keep !== 'on-demand' || !isLoaded || slot.usedMs > untilMs) continue
    if (least === undefined || slot.usedMs < least.usedMs) least = slot
  }
  return least
}
