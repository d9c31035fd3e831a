import { readdirSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import type { Machine } from '#stages'

/** Where NVIDIA's driver has a folder for each card. */
const CARDS = '/proc/driver/nvidia/gpus'

/** What this machine has for stages. */
export function machine(): Machine {
  return { cpus: availableParallelism(), memoryBytes: totalmem(), gpus: cards() }
}

function cards(): number {
  try {
    return readdirSync(CARDS).length
  } catch {
    // No such driver.
    return 0
  }
}
