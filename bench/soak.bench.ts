import { readFile, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from './figures.ts'
import { httpAsker, HTTP_PROTOCOLS, type Asker } from '../tests/support/serving-storm/asks.ts'
import { startedBy } from '../tests/support/serving-storm/processes.ts'
import { openWorld, PINNED, type StormWorld } from '../tests/support/serving-storm/world.ts'

// Memory of each process while requests come for a long time, good ones in every protocol and malformed ones between
// them, over few connections. Prints it ten times on the way, at work and after a rest in which what is not needed any
// more is given back, and what a least-squares line through the second half of each says.

const SECONDS = Number(process.env['ORRERY_SOAK_SECONDS'] ?? 20)
const ROUNDS = 10
/** V8 looks for what it can give back some eight seconds after the work, and is done some seconds later. */
const REST_MS = Number(process.env['ORRERY_SOAK_REST_SECONDS'] ?? 20) * 1000
const CONNECTIONS = 16
/** Every so many requests one is malformed, and one has a name of its own. */
const BAD_EVERY = 10
const NAMED_EVERY = 7
const PROCESSES = ['server', 'plane', 'model'] as const
type ProcessName = (typeof PROCESSES)[number]

interface Sample {
  readonly requests: number
  readonly mib: Readonly<Record<ProcessName, number>>
}

const world = await openWorld()
const counts = { requests: 0, answered: 0, refused: 0 }
try {
  const atWork: Sample[] = []
  const atRest: Sample[] = []
  const callers = Array.from({ length: CONNECTIONS }, (_, number) => callerOf(number))
  for (let round = 1; round <= ROUNDS; round++) {
    const stop = new AbortController()
    const asking = Promise.all(callers.map((ask) => ask(stop.signal)))
    await sleep((SECONDS * 1000) / ROUNDS)
    atWork.push(await sampled())
    stop.abort()
    await asking
    await sleep(REST_MS)
    atRest.push(await sampled())
    console.log(`${counts.requests} requests; at work ${said(atWork)}; at rest ${said(atRest)}`)
  }
  for (const name of PROCESSES)
    console.log(
      `${name}: ${growth(atWork, name)} MiB more in 10^6 requests at work, ${growth(atRest, name)} at rest`,
    )
  console.log(`${counts.answered} answered, ${counts.refused} malformed and refused`)
} finally {
  await world.end()
  await rm(world.home, { recursive: true, force: true })
}

async function sampled(): Promise<Sample> {
  return { requests: counts.requests, mib: await memoryOf(world) }
}

function said(samples: readonly Sample[]): string {
  const { mib } = samples.at(-1) as Sample
  return PROCESSES.map((name) => `${name} ${mib[name].toFixed(1)} MiB`).join(', ')
}

function growth(samples: readonly Sample[], name: ProcessName): string {
  return (slope(samples.slice(samples.length / 2), name) * 1e6).toFixed(2)
}

function callerOf(number: number): (signal: AbortSignal) => Promise<void> {
  const protocol = HTTP_PROTOCOLS[number % HTTP_PROTOCOLS.length] ?? ''
  const port = number % 4 === 3 ? world.ports.server : world.ports.plane
  let n = 0
  return async (signal) => {
    const asker = httpAsker(protocol, port)
    for (; !signal.aborted; n++) await askOnce(asker, { number, port, n })
    asker.close()
  }
}

async function askOnce(
  asker: Asker,
  { number, port, n }: { number: number; port: number; n: number },
): Promise<void> {
  const x = number * 2 ** 26 + n
  counts.requests += 1
  if (n % BAD_EVERY === 0) {
    const { status } = await fetch(`http://127.0.0.1:${port}/v2/models/${PINNED}/infer`, {
      method: 'POST',
      body: n % 20 === 0 ? '{"inputs": [' : `{"inputs": [{"name": "x${n}"}]}`,
    })
    if (status !== 400) throw new Error(`a malformed request was answered with ${status}`)
    counts.refused += 1
    return
  }
  const named = n % NAMED_EVERY === 0 ? { id: `soak-${number}-${n}` } : {}
  const answered = await asker.ask({ endpoint: PINNED, x, ...named })
  if (answered.kind !== 'answer') throw new Error(JSON.stringify(answered))
  counts.answered += 1
}

async function memoryOf({ server }: StormWorld): Promise<Sample['mib']> {
  const { pid } = server().family
  const all = await startedBy(pid)
  const plane = all.find(({ command }) => /plane\/process/.test(command))
  const models = all.filter(({ command }) => /onnx\/process/.test(command))
  const model = quantile(await Promise.all(models.map((each) => mibOf(each.pid))), 0.5)
  return { server: await mibOf(pid), plane: await mibOf(plane?.pid ?? 0), model }
}

async function mibOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

/** MiB for each request, by least squares. */
function slope(samples: readonly Sample[], name: ProcessName): number {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length
  const x = mean(({ requests }) => requests)
  const y = mean(({ mib }) => mib[name])
  const rises = samples.map(({ requests, mib }) => (requests - x) * (mib[name] - y))
  const runs = samples.map(({ requests }) => (requests - x) ** 2)
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return sum(rises) / sum(runs)
}
