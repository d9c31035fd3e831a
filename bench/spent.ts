import { runToEnd } from './peers.ts'

/** What a command took, from its start to its end. */
export interface Spent {
  readonly seconds: number
  /** Of all processors, which says more where the machine does other work as well. */
  readonly cpuSeconds: number
}

interface Where {
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
}

/** Runs a command to its end. Throws with what it printed when it fails. */
export async function spentBy(
  where: Where,
  command: string,
  ...args: readonly string[]
): Promise<Spent> {
  const began = performance.now()
  // The shell counts what its children took, and prints that last.
  const counted = ['-c', '"$@" >&2 || exit 1; times', '-', command, ...args]
  const said = await runToEnd('bash', counted, where)
  const [user = 0, system = 0] = [...said.matchAll(/(\d+)m([\d.]+)s/g)]
    .slice(-2)
    .map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds))
  return { seconds: (performance.now() - began) / 1000, cpuSeconds: user + system }
}
