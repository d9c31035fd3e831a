import type { Duplex } from 'node:stream'
import { framed } from './frames.ts'
import { killGroup, spawnSidecar, type ProcessSpec, type Sidecar } from './spawn.ts'

/** What has died may die again; after this time without, memory is worth more than a quick start. */
const KEPT_MS = 120_000

/**
 * Processes that have imported what every model needs, for when another one dies: most of the time that a start
 * takes is Python's. There is one for each kind, and none while nothing dies.
 */
export function spareProcesses() {
  const spares = new Map<string, { sidecar: Sidecar; end: NodeJS.Timeout }>()
  const takeOut = (key: string): Sidecar | undefined => {
    const spare = spares.get(key)
    spares.delete(key)
    clearTimeout(spare?.end)
    return spare?.sidecar
  }
  return {
    take: (spec: ProcessSpec): Sidecar => {
      const spare = takeOut(keyOf(spec))
      const isAlive = spare?.child.exitCode === null && spare.child.signalCode === null
      return isAlive ? spare : spawnSidecar(spec)
    },
    prepare: (spec: ProcessSpec): void => {
      const key = keyOf(spec)
      if (spares.has(key)) return
      const sidecar = spawnSidecar(spec)
      sidecar.child.once('error', () => takeOut(key))
      if (sidecar.child.pid === undefined) return
      for (const chunk of framed({ type: 'warm' })) (sidecar.child.stdio[3] as Duplex).write(chunk)
      const end = setTimeout(() => {
        takeOut(key)
        killGroup(sidecar.child)
      }, KEPT_MS).unref()
      spares.set(key, { sidecar, end })
    },
    endAll: (): void => {
      for (const key of spares.keys()) {
        const spare = takeOut(key)
        if (spare !== undefined) killGroup(spare.child)
      }
    },
  }
}

function keyOf({ executable, memoryBytesMax }: ProcessSpec): string {
  return `${executable} ${memoryBytesMax}`
}

export type Spares = ReturnType<typeof spareProcesses>
