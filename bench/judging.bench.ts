import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createInterface } from 'node:readline'

// How long /health has to be waited for while a window of many predictions, all of them with a truth, is judged by the
// same server: at its end, and when its truths have had their time to come.

const ROWS = Number(process.env['ORRERY_BENCH_ROWS'] ?? 200_000)
const ROWS_A_REQUEST = 1000
const COLUMNS = 10
const HOUR_MS = 3_600_000
const START = Date.UTC(2026, 0, 5)
const EVERY_MS = 5

const home = await mkdtemp(join(tmpdir(), 'orrery-judging-'))
const orrery = join(import.meta.dirname, '..', 'bin', 'orrery')
const flags = ['--home', home, '--port', '0']
const server = spawn(orrery, ['up', ...flags], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, ORRERY_SERVING_PORT: '0' },
})
try {
  await run(await urlOf())
} finally {
  server.kill('SIGTERM')
  await once(server, 'exit')
  await rm(home, { recursive: true, force: true })
}

async function urlOf(): Promise<string> {
  for await (const line of createInterface({ input: server.stdout })) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
    if (url !== undefined) return url
  }
  throw new Error('the server did not say where it is')
}

async function run(url: string): Promise<void> {
  const ask = asker(url)
  await ask('POST', '/endpoints', {
    name: 'busy',
    elsewhere: true,
    monitor: {
      window: { size: '1h' },
      settle: '1h',
      performance: { task: 'regression', metric: 'rmse', max: 100 },
      estimate: { rows: 1000 },
      fairness: { by: ['shop'] },
    },
  })
  // A small window first: the estimator learns from it, and the thread has begun.
  for (const [window, count] of [2000, ROWS, 2000].entries()) await fill(ask, { window, count })
  const quiet = await waits(url, () => sleep(2000))
  console.log(`/health beside no window: ${said(quiet)}`)
  const judged = await waits(url, () => reached(ask, { window: 1, watermark: 2, settled: false }))
  console.log(`/health while a window of ${ROWS} predictions is judged at its end: ${said(judged)}`)
  const settled = await waits(url, () => reached(ask, { window: 1, watermark: 3, settled: true }))
  console.log(`/health while it is judged by its truths: ${said(settled)}`)
}

type Ask = ReturnType<typeof asker>

function asker(url: string) {
  return async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(await answer.text())
    return answer.json()
  }
}

/** Numbers from 0 to 1 that look like chance and are the same each time. */
function spread(at: number): number {
  return Math.abs((Math.sin(at * 12.9898) * 43_758.5453) % 1)
}

async function fill(ask: Ask, { window, count }: { window: number; count: number }): Promise<void> {
  const fromMs = START + window * HOUR_MS
  for (let from = 0; from < count; from += ROWS_A_REQUEST) {
    const places = Array.from(
      { length: Math.min(ROWS_A_REQUEST, count - from) },
      (_, at) => from + at,
    )
    await ask('POST', '/predictions', {
      endpoint: 'busy',
      modelVersion: 'amounts',
      predictions: places.map((at) => ({
        id: `${window}-${at}`,
        time: fromMs + Math.floor((at / count) * HOUR_MS),
        inputs: {
          shop: at % 3 === 0 ? 'north' : 'south',
          ...Object.fromEntries(
            Array.from({ length: COLUMNS - 1 }, (_, column) => [`x${column}`, spread(at + column)]),
          ),
        },
        outputs: { value: 10 * spread(at) },
        label: 10 * spread(at) + spread(at + 7),
      })),
    })
  }
}

/** Moves event time on, and waits until the window was judged, or judged by its truths. */
async function reached(
  ask: Ask,
  { window, watermark, settled }: { window: number; watermark: number; settled: boolean },
): Promise<void> {
  await ask('POST', '/endpoints/busy/watermark', { time: START + watermark * HOUR_MS + 1 })
  const path = `/endpoints/busy/windows/${new Date(START + window * HOUR_MS).toISOString()}`
  for (;;) {
    const found = (await ask('GET', path).catch(() => undefined)) as
      | { performance: unknown }
      | undefined
    if (found !== undefined && (!settled || found.performance !== null)) return
    await sleep(200)
  }
}

async function waits(url: string, work: () => Promise<void>): Promise<Float64Array> {
  const found: number[] = []
  const state = { isDone: false }
  const working = work().finally(() => {
    state.isDone = true
  })
  while (!state.isDone) {
    const from = performance.now()
    await (await fetch(`${url}/health`)).arrayBuffer()
    found.push(performance.now() - from)
    await sleep(EVERY_MS)
  }
  await working
  return Float64Array.from(found).toSorted()
}

function said(waited: Float64Array): string {
  const at = (share: number) => waited[Math.floor(share * (waited.length - 1))]?.toFixed(1)
  return `median ${at(0.5)} ms, 99 of 100 within ${at(0.99)} ms, longest ${at(1)} ms (${waited.length} requests)`
}
