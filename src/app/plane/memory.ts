import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { promisify } from 'node:util'
import type { LocalPlane, MemoryBudget } from '#inference'
import type { MemoryOf } from './messages.ts'

/** Linux counts in pages of this size on every processor that Orrery is built for. */
const PAGE_BYTES = 4096

/** What models may take together; by default half of what the machine has. */
export function memoryBudget({ servingMemoryMb }: { servingMemoryMb: number }): MemoryBudget {
  return {
    bytesMax: servingMemoryMb === 0 ? totalmem() / 2 : servingMemoryMb * 1024 * 1024,
    bytesOf: async (pids) => {
      const sizes = await Promise.all(pids.map(residentBytes))
      return sizes.reduce((sum, bytes) => sum + bytes, 0)
    },
  }
}

/** What the processes of loaded revisions take. */
export async function memoryOf(plane: Pick<LocalPlane, 'measured'>): Promise<MemoryOf[]> {
  return Promise.all(
    plane.measured().loaded.map(async ({ endpoint, revision, pid }) => ({
      endpoint,
      revision,
      bytes: pid === null ? 0 : await residentBytes(pid),
    })),
  )
}

/** Ticks of a second in which Linux tells processor time, on every processor that Orrery is built for. */
const TICKS = 100

/** The processor time that a process has used; null where it is not told, or once it has ended. */
export async function cpuSecondsOf(pid: number): Promise<number | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name may hold anything, blanks and brackets too; what follows it are plain numbers.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS
  } catch {
    return null
  }
}

/** What a process holds in memory; nothing for one that has ended. */
export async function residentBytes(pid: number): Promise<number> {
  try {
    if (process.platform === 'linux') {
      const [, pages = '0'] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')
      return Number(pages) * PAGE_BYTES
    }
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
    return Number(stdout.trim()) * 1024
  } catch {
    return 0
  }
}
