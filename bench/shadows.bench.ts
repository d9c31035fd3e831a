import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, serverCommand, startFamily } from '../tests/support/process.ts'
import { pythonBin } from '../tests/support/python.ts'
import { quantile, tell } from './figures.ts'
import { runToEnd } from './peers.ts'
import { serveModel } from './served-model.ts'
import { startLoader, type Loader } from './serving/loader.ts'

// One model at three endpoints: alone, with one shadow and with four, each a version of its own in a process of its
// own. They are asked by turns. What shadows cost the caller, and what share of the requests they were asked.

const SLICE_MS = Number(process.env['ORRERY_BENCH_SLICE_MS'] ?? 1500)
const SLICES = 4
const CALLERS = [1, 8, 64]
const NAME = 'bench'
const SHADOWS = { bare: 0, one: 1, four: 4 }
type EndpointName = keyof typeof SHADOWS
const ENDPOINTS = Object.keys(SHADOWS) as EndpointName[]

interface Cell {
  tookMs: number
  readonly timesMs: number[]
  /** Runs of shadows, and of the live model. */
  shadowRows: number
  liveRows: number
}

async function measure(url: string, loader: Loader, callers: number): Promise<Map<string, Cell>> {
  const cells = new Map<string, Cell>()
  for (let turn = 0; turn < SLICES; turn++)
    for (const name of ENDPOINTS) {
      const cell = cells.get(name) ?? { tookMs: 0, timesMs: [], shadowRows: 0, liveRows: 0 }
      cells.set(name, cell)
      const before = await rowsRun(url, name)
      const job = { url: `${url}/v2/models/${name}/infer`, form: 'open-inference' as const }
      const loaded = await loader.load({ ...job, model: name, rows: 1, callers, forMs: SLICE_MS })
      // What shadows were asked last is answered.
      await sleep(300)
      const after = await rowsRun(url, name)
      cell.tookMs += loaded.tookMs
      cell.shadowRows += after.shadow - before.shadow
      cell.liveRows += after.live - before.live
      for (const tookMs of loaded.timesMs) cell.timesMs.push(tookMs)
    }
  return cells
}

/** Rows that the models of an endpoint have been run over, by the counters of the plane. */
async function rowsRun(url: string, endpoint: string): Promise<{ live: number; shadow: number }> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const of = (role: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith('orrery_batch_rows_sum{'))
      .filter((line) => line.includes(`"${endpoint}"`) && line.includes(`role="${role}"`))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  return { live: of('live'), shadow: of('shadow') }
}

function report(callers: number, cells: ReadonlyMap<string, Cell>): void {
  const bare = cells.get('bare') as Cell
  for (const name of ENDPOINTS) {
    const cell = cells.get(name) as Cell
    const asked = cell.shadowRows / cell.liveRows / Math.max(1, SHADOWS[name])
    console.log(
      `${callers} callers, ${SHADOWS[name]} shadows: ${perSecond(cell).toFixed(0)} requests/s, p50 ${quantile(cell.timesMs, 0.5).toFixed(2)} ms, p99 ${quantile(cell.timesMs, 0.99).toFixed(2)} ms, ${(100 * asked).toFixed(1)} % of the requests asked of each shadow`,
    )
    if (name === 'bare') continue
    const what = `${SHADOWS[name]} shadows, ${callers} callers`
    const beside = { peerName: 'no shadow', orrery: perSecond(cell), peer: perSecond(bare) }
    tell({ what, unit: 'requests/s', ...beside, better: 'higher' })
  }
}

const perSecond = ({ timesMs, tookMs }: Cell) => (1000 * timesMs.length) / tookMs

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const loader = startLoader()
const [port, serving, grpc] = await Promise.all([freePort(), freePort(), freePort()])
const family = startFamily(...serverCommand(join(home, 'orrery'), port), {
  environment: { ORRERY_SERVING_PORT: String(serving), ORRERY_GRPC_PORT: String(grpc) },
})
try {
  const script = join(import.meta.dirname, 'serving', 'python', 'make_models.py')
  await runToEnd(join(pythonBin(), 'python'), [script, home], { folder: home })
  const url = `http://127.0.0.1:${port}`
  while ((await fetch(`${url}/health`).catch(() => undefined))?.ok !== true) await sleep(50)
  const shadows = (count: number) =>
    Array.from({ length: count }, (_, at) => `models:/${NAME}/${at + 2}`).join(', ')
  await serveModel({ url, family }, join(home, 'model'), {
    project: join(home, 'project'),
    name: NAME,
    versions: 5,
    endpoints: Object.fromEntries(
      ENDPOINTS.map((name) => [name, `    shadows: [${shadows(SHADOWS[name])}]\n`]),
    ),
  })
  for (const callers of CALLERS)
    report(callers, await measure(`http://127.0.0.1:${serving}`, loader, callers))
} finally {
  loader.stop()
  await family.end()
  await rm(home, { recursive: true, force: true })
}
