import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { median, tell } from './figures.ts'
import { memoryMib, startMlflow, startOrrery, type Contender } from './peers.ts'

// From the start of the process to the first 200 of /health, and memory after fifteen idle seconds. The first
// start of each makes its database and is not counted; each is started anew after the other has ended.

// What only the start needed is given back some ten seconds after it.
const IDLE_MS = 15_000

interface Starts {
  readonly startMs: readonly number[]
  readonly mib: readonly number[]
}

async function measure(start: () => Promise<Contender>, times: number): Promise<Starts> {
  await (await start()).stop()
  const startMs: number[] = []
  const mib: number[] = []
  for (let time = 0; time < times; time++) {
    const server = await start()
    startMs.push(server.startMs)
    if (time === 0) {
      await sleep(IDLE_MS)
      mib.push(await memoryMib(server.family))
    }
    await server.stop()
  }
  return { startMs, mib }
}

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
try {
  const orrery = await measure(() => startOrrery(join(home, 'orrery')), 5)
  const mlflow = await measure(() => startMlflow(home), 1)
  const peerName = 'mlflow server'
  tell({
    what: 'start to the first answer',
    unit: 'ms',
    orrery: median(orrery.startMs),
    peer: median(mlflow.startMs),
    peerName,
    better: 'lower',
  })
  tell({
    what: 'memory when idle',
    unit: 'MiB',
    orrery: median(orrery.mib),
    peer: median(mlflow.mib),
    peerName,
    better: 'lower',
  })
} finally {
  await rm(home, { recursive: true, force: true })
}
