import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTestServer } from '../tests/support/server.ts'

// Late truths to predictions that another system made, through the API: rows a second, CPU and memory of the one process
// that is server and caller. `node bench/truths.bench.ts [PREDICTIONS] [TRUTHS]`; sizes of a laptop by default.

const predictions = Number(process.argv[2] ?? 200_000)
const truths = Number(process.argv[3] ?? 20_000)
const CHUNK = 5000
const START = Date.UTC(2026, 0, 5)

const home = await mkdtemp(join(tmpdir(), 'orrery-truths-'))
const server = await startTestServer({ home })

async function post(path: string, body: object): Promise<Record<string, number>> {
  const answer = await fetch(`${server.url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()) as Record<string, number>
}

/** Runs some work and prints what it took. */
async function measured(what: string, rows: number, work: () => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 100)
  await work()
  clearInterval(timer)
  const seconds = (performance.now() - startMs) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const words = [
    `${what}: ${rows} rows in ${seconds.toFixed(1)} s`,
    `${Math.round(rows / seconds)} rows/s`,
    `${((user + system) / rows).toFixed(1)} µs of CPU a row`,
    `peak ${Math.round(peak / 1e6)} MB`,
  ]
  process.stdout.write(`${words.join(', ')}\n`)
}

try {
  await post('/endpoints', { name: 'late', elsewhere: true })
  await measured('predictions', predictions, async () => {
    for (let first = 0; first < predictions; first += CHUNK)
      await post('/predictions', {
        endpoint: 'late',
        predictions: Array.from({ length: Math.min(CHUNK, predictions - first) }, (_, at) => ({
          id: `request-${first + at}`,
          time: START + (first + at) * 10,
          key: `customer-${(first + at) % 10_000}`,
          inputs: { amount: at / 7, age: at % 90, country: at % 3 === 0 ? 'DE' : 'FR' },
          outputs: { probability: (at % 100) / 100 },
        })),
      })
  })
  await measured('truths', truths, async () => {
    const step = Math.max(1, Math.floor(predictions / truths))
    for (let first = 0; first < truths; first += CHUNK) {
      const told = Array.from({ length: Math.min(CHUNK, truths - first) }, (_, at) => ({
        // All over the log, as truths come.
        prediction: `request-${((first + at) * step * 7919) % predictions}`,
        label: at % 2,
      }))
      const { unknown } = await post('/endpoints/late/ground-truth', { truths: told })
      if (unknown !== 0) throw new Error(`${unknown} truths found no prediction`)
    }
  })
} finally {
  await server.stop()
  await rm(home, { recursive: true, force: true })
}
