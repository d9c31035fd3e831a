import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, tell } from './figures.ts'
import { httpClient } from './http-client.ts'
import { startMlflow, startOrrery, type Contender } from './peers.ts'
import { fillMlflow, fillOrrery, LONG } from './stored-runs.ts'

// A page of 100 out of 100,000 runs by a metric and a param, ordered by a metric; and the history of one metric of
// 1,000,000 points as the chart of a page asks for it, 1,000 points of it. Then the same search of ours alone in
// stores of other sizes: ORRERY_BENCH_RUNS=1000,10000,1000000.

const RUNS = 100_000
const SIZES = (process.env['ORRERY_BENCH_RUNS'] ?? '1000,10000').split(',').map(Number)
const API = '/api/2.0/mlflow'
const SEARCH = JSON.stringify({
  experiment_ids: ['0'],
  filter: "metrics.m3 > 0.5 and params.p2 = '3'",
  order_by: ['metrics.m3 DESC'],
  max_results: 100,
})
const CHART = `/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids=${LONG.run}&metric_key=${LONG.key}&max_results=1000`

/** Milliseconds of the median answer; the first one, which warms up, does not count. */
async function medianMs(times: number, ask: () => Promise<unknown>): Promise<number> {
  const all: number[] = []
  for (let time = 0; time <= times; time++) {
    const beganMs = performance.now()
    await ask()
    all.push(performance.now() - beganMs)
  }
  return median(all.slice(1))
}

async function searched(server: Contender, times: number): Promise<number> {
  const client = httpClient(server.url)
  const ms = await medianMs(times, async () => {
    const { runs = [] } = JSON.parse(await client.post(`${API}/runs/search`, SEARCH)) as {
      runs?: unknown[]
    }
    if (runs.length === 0) throw new Error('the search found nothing')
  })
  client.close()
  return ms
}

function charted(server: Contender, times: number): Promise<number> {
  return medianMs(times, async () => {
    const answer = await fetch(`${server.url}${CHART}`)
    const { metrics } = (await answer.json()) as { metrics: unknown[] }
    if (metrics.length < 900) throw new Error(`the chart has ${metrics.length} points`)
  })
}

/** A server over a database that was made by it and filled while it was stopped. */
async function filled(
  start: () => Promise<Contender>,
  fill: () => void | Promise<void>,
): Promise<Contender> {
  const first = await start()
  await first.stop()
  await fill()
  return start()
}

async function compare(home: string): Promise<void> {
  const own = join(home, 'orrery')
  const file = join(own, 'orrery.db')
  const orrery = await filled(
    () => startOrrery(own),
    () => fillOrrery(file, RUNS, true),
  )
  const peerName = 'mlflow server'
  try {
    const mlflow = await filled(
      () => startMlflow(home),
      () => fillMlflow(join(home, 'mlflow.db'), RUNS),
    )
    try {
      const what = `search of ${RUNS.toLocaleString('en')} runs, median`
      const search = { orrery: await searched(orrery, 30), peer: await searched(mlflow, 3) }
      tell({ what, unit: 'ms', ...search, peerName, better: 'lower' })
      const chart = { orrery: await charted(orrery, 20), peer: await charted(mlflow, 3) }
      tell({
        what: 'chart of 1,000,000 points, median',
        unit: 'ms',
        ...chart,
        peerName,
        better: 'lower',
      })
    } finally {
      await mlflow.stop()
    }
  } finally {
    await orrery.stop()
  }
}

async function grow(home: string): Promise<void> {
  for (const runs of SIZES) {
    const own = join(home, `runs-${runs}`)
    const file = join(own, 'orrery.db')
    const server = await filled(
      () => startOrrery(own),
      () => fillOrrery(file, runs, false),
    )
    const ms = await searched(server, 30)
    await server.stop()
    const { size } = await stat(file)
    console.log(
      `${runs.toLocaleString('en')} runs: search ${ms.toFixed(1)} ms, ${(size / runs / 1024).toFixed(1)} KiB a run`,
    )
  }
}

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
try {
  await compare(home)
  await grow(home)
} finally {
  await rm(home, { recursive: true, force: true })
}
