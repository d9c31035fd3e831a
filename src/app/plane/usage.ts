import { cpus } from 'node:os'
import { systemClock } from '#base/clock'
import type { LocalPlane } from '#inference'
import type { Counted } from '#usage'
import { cpuSecondsOf, residentBytes } from './memory.ts'

const LIFE = `${process.pid}-${systemClock.nowMs()}`

/** All that was counted in this process, and what its models' processes took. */
export async function countedIn(
  plane: Pick<LocalPlane, 'measured' | 'statistics'>,
): Promise<Counted> {
  const { requests, runs, errors, loaded } = plane.measured()
  const statistics = plane.statistics()
  const pids = [...new Set(loaded.flatMap(({ pid }) => pid ?? []))]
  const { user, system } = process.cpuUsage()
  return {
    life: LIFE,
    requests,
    runs,
    errors,
    failed: statistics.map(({ revision, failure }) => ({
      endpoint: revision.endpoint,
      revision: revision.number,
      modelVersion: `${revision.model}/${revision.version}`,
      count: failure.count,
    })),
    loaded: loaded.map(({ endpoint, revision, modelVersion, pid }) => ({
      endpoint,
      revision,
      modelVersion,
      pid,
    })),
    processes: await Promise.all(
      pids.map(async (pid) => ({
        pid,
        cpuSeconds: await cpuSecondsOf(pid),
        memoryBytes: await residentBytes(pid),
      })),
    ),
    cpuSeconds: (user + system) / 1e6,
    host: hostOf(),
  }
}

/** How many processors the machine has, and how long they have been busy since it began. */
export function hostOf(): { processors: number; busySeconds: number } {
  const all = cpus()
  const busyMs = all.reduce((sum, { times }) => sum + times.user + times.nice + times.sys, 0)
  return { processors: all.length, busySeconds: busyMs / 1000 }
}
