import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Family } from '../../tests/support/process.ts'

/** One of `sysconf(_SC_CLK_TCK)`, which Linux has had at 100 for every processor. */
const TICK_MS = 10
/** A server is at rest when it has used less than a twentieth of a processor for so long; nobody waits longer than the other. */
const REST_MS = 400
const REST_MS_MAX = 15_000

/** What all processes of a server have used of the processor. */
export async function cpuMs(family: Family): Promise<number> {
  const used = (await family.living()).map(({ pid }) => cpuMsIn(`/proc/${pid}/stat`))
  return (await Promise.all(used)).reduce((sum, ms) => sum + ms, 0)
}

/** Waits for what a server does after its last answer, which is a part of what the answers cost; gives its CPU. */
export async function cpuAtRest(
  family: Family,
  { restMs = REST_MS, mostMs = REST_MS_MAX } = {},
): Promise<number> {
  const began = performance.now()
  for (let before = await cpuMs(family); ;) {
    await sleep(restMs)
    const now = await cpuMs(family)
    if (now - before <= restMs / 20 || performance.now() - began > mostMs) return now
    before = now
  }
}

/** The same by process and thread, named as those who look at it know them. */
export async function cpuByThread(family: Family): Promise<ReadonlyMap<string, number>> {
  const spent = new Map<string, number>()
  for (const { pid, command } of await family.living())
    for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
      const path = `/proc/${pid}/task/${thread}`
      const comm = await readFile(`${path}/comm`, 'utf8').catch(() => '')
      const name = `${roleOf(command)}, ${Number(thread) === pid ? 'main' : comm.trim()}`
      spent.set(name, (spent.get(name) ?? 0) + (await cpuMsIn(`${path}/stat`)))
    }
  return spent
}

function roleOf(command: string): string {
  if (/app\/plane\/process\.[jt]s/.test(command)) return 'plane'
  if (/onnx\/process\.[jt]s/.test(command)) return 'model'
  return / up /.test(command) ? 'server' : 'other'
}

async function cpuMsIn(path: string): Promise<number> {
  const stat = await readFile(path, 'utf8').catch(() => '')
  // Behind the name, which may have spaces: the 12th and 13th field are the times.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return TICK_MS * (Number(fields[11] ?? 0) + Number(fields[12] ?? 0))
}
