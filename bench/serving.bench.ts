import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pythonBin } from '../tests/support/python.ts'
import { quantile, tell, type Figure } from './figures.ts'
import { memoryMib, runToEnd } from './peers.ts'
import { PEERS, startOurs, type Served, type Target } from './serving/contenders.ts'
import { startLoader, type Loader } from './serving/loader.ts'
import { cpuAtRest } from './serving/processors.ts'

// One ONNX model behind servers of predictions, asked over loopback by one process that only asks. All are there at
// the same time and are asked by turns, in slices, so that whatever else the machine does meets all of them. Ours
// logs each prediction before it answers, the peers log nothing. ORRERY_BENCH_PEERS=fastapi,mlserver chooses peers.

const SLICE_MS = Number(process.env['ORRERY_BENCH_SLICE_MS'] ?? 700)
const SLICES = 2
const WARM_MS = 400
const ROWS = [1, 64]
const CALLERS = [1, 8, 64]
/** Longer than the log rests between two pieces of what was put off. */
const SETTLED_MS = 2500

interface Cell {
  requests: number
  tookMs: number
  cpuMs: number
  readonly timesMs: number[]
}

const cells = new Map<string, Cell>()
const keyOf = (name: string, rows: number, callers: number) => `${name}|${rows}|${callers}`
const cellOf = (name: string, rows: number, callers: number): Cell => {
  const key = keyOf(name, rows, callers)
  const cell = cells.get(key) ?? { requests: 0, tookMs: 0, cpuMs: 0, timesMs: [] }
  cells.set(key, cell)
  return cell
}

async function slice(
  loader: Loader,
  { family, settle }: Served,
  target: Target,
  { rows, callers }: { rows: number; callers: number },
): Promise<void> {
  const { url, form, model } = target
  const before = await cpuAtRest(family)
  const loaded = await loader.load({ url, form, model, rows, callers, forMs: SLICE_MS })
  const cell = cellOf(target.name, rows, callers)
  if (settle !== undefined) {
    await settle()
    await sleep(SETTLED_MS)
  }
  cell.cpuMs += (await cpuAtRest(family)) - before
  cell.requests += loaded.timesMs.length
  cell.tookMs += loaded.tookMs
  for (const tookMs of loaded.timesMs) cell.timesMs.push(tookMs)
}

async function measure(loader: Loader, servers: readonly Served[]): Promise<void> {
  for (const { targets } of servers)
    for (const { url, form, model } of targets)
      for (const rows of ROWS)
        await loader.load({ url, form, model, rows, callers: 8, forMs: WARM_MS })
  for (const rows of ROWS)
    for (const callers of CALLERS)
      for (let turn = 0; turn < SLICES; turn++)
        for (const server of servers)
          for (const target of server.targets)
            await slice(loader, server, target, { rows, callers })
}

const perSecond = ({ requests, tookMs }: Cell) => (1000 * requests) / tookMs
const cpuPerThousand = (cell: Cell) => cell.cpuMs / cell.requests
const p50 = ({ timesMs }: Cell) => quantile(timesMs, 0.5)
const p99 = ({ timesMs }: Cell) => quantile(timesMs, 0.99)

function printAll(names: readonly string[]): void {
  for (const rows of ROWS)
    for (const callers of CALLERS) {
      console.log(`${rows} rows, ${callers} callers: requests/s, p50 ms, p99 ms, CPU s per 1,000`)
      for (const name of names) {
        const cell = cellOf(name, rows, callers)
        const told = [perSecond(cell), p50(cell), p99(cell), cpuPerThousand(cell)]
        console.log(
          `  ${name.padEnd(26)}${told.map((value) => value.toPrecision(3).padStart(9)).join('')}`,
        )
      }
    }
}

/** Which of our faces a peer is compared with: the one that reads the same bytes, or the nearest. */
function oursFor({ form }: Target): string {
  if (form === 'grpc') return 'orrery, grpc'
  return form === 'mlflow' ? 'orrery, mlflow' : 'orrery'
}

function compare(target: Target): void {
  for (const rows of ROWS)
    for (const callers of CALLERS) {
      const ours = cellOf(oursFor(target), rows, callers)
      const theirs = cellOf(target.name, rows, callers)
      const what = `serving, ${rows} ${rows === 1 ? 'row' : 'rows'}, ${callers} callers`
      const line = (
        more: string,
        rest: Pick<Figure, 'unit' | 'better'>,
        of: (cell: Cell) => number,
      ) =>
        tell({
          what: `${what}${more}`,
          ...rest,
          orrery: of(ours),
          peer: of(theirs),
          peerName: target.name,
        })
      line('', { unit: 'requests/s', better: 'higher' }, perSecond)
      line(', p99', { unit: 'ms', better: 'lower' }, p99)
      line(', CPU of 1,000', { unit: 's', better: 'lower' }, cpuPerThousand)
    }
}

async function startPeers(home: string): Promise<Served[]> {
  const chosen = process.env['ORRERY_BENCH_PEERS']?.split(',') ?? Object.keys(PEERS)
  const servers: Served[] = []
  for (const name of chosen.filter(Boolean)) {
    try {
      const start = PEERS[name]
      if (start === undefined) throw new Error(`there are ${Object.keys(PEERS).join(', ')}`)
      servers.push(await start({ home }))
    } catch (error) {
      console.log(`without ${name}: ${String(error).slice(0, 1500)}`)
    }
  }
  return servers
}

/** How much of the machine asking alone takes, and what ONNX Runtime does with nobody asking. */
async function limits(loader: Loader, model: string): Promise<void> {
  const asker = startLoader()
  const nothing = await loader.nothing()
  for (const callers of CALLERS) {
    const job = { url: nothing, form: 'open-inference', model: '', rows: 1, callers } as const
    const { timesMs, tookMs } = await asker.load({ ...job, forMs: SLICE_MS })
    const rate = (1000 * timesMs.length) / tookMs
    console.log(
      `the asking alone, of a server that says nothing, ${callers} callers: ${rate.toFixed(0)} requests/s`,
    )
  }
  asker.stop()
  for (const rows of ROWS) {
    const peer = await loader.runAlone(model, rows, SLICE_MS)
    const what = `serving, ${rows} ${rows === 1 ? 'row' : 'rows'}, 64 callers, and the limit`
    for (const [name, how] of Object.entries({ orrery: '', 'orrery, binary': ', binary tensors' }))
      tell({
        what: `${what}${how}`,
        unit: 'requests/s',
        orrery: perSecond(cellOf(name, rows, 64)),
        peer,
        peerName: 'ONNX Runtime in a loop',
        better: 'higher',
      })
  }
}

async function compareProcesses(servers: readonly Served[]): Promise<void> {
  const [ours, ...peers] = servers as [Served, ...Served[]]
  const memory = await memoryMib(ours.family)
  console.log(`orrery: first answer after ${ours.startMs.toFixed(0)} ms, ${memory.toFixed(0)} MiB`)
  for (const { name: peerName, startMs, family } of peers) {
    tell({
      what: 'serving, start to first answer',
      unit: 'ms',
      orrery: ours.startMs,
      peer: startMs,
      peerName,
      better: 'lower',
    })
    tell({
      what: 'serving, memory',
      unit: 'MiB',
      orrery: memory,
      peer: await memoryMib(family),
      peerName,
      better: 'lower',
    })
  }
}

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const servers: Served[] = []
const loader = startLoader()
try {
  const script = join(import.meta.dirname, 'serving', 'python', 'make_models.py')
  await runToEnd(join(pythonBin(), 'python'), [script, home], { folder: home })
  servers.push(await startOurs({ home }), ...(await startPeers(home)))
  await measure(loader, servers)
  const targets = servers.flatMap((server) => server.targets)
  printAll(targets.map(({ name }) => name))
  for (const target of targets) if (!target.name.startsWith('orrery')) compare(target)
  for (const rows of ROWS) {
    const [orrery, peer] = ['orrery', 'orrery, unlogged'].map((name) =>
      perSecond(cellOf(name, rows, 64)),
    ) as [number, number]
    const [cost, bare] = ['orrery', 'orrery, unlogged'].map((name) =>
      cpuPerThousand(cellOf(name, rows, 64)),
    ) as [number, number]
    tell({
      what: `serving, ${rows} rows, 64 callers, logged, CPU of 1,000 until the log is at rest`,
      unit: 's',
      orrery: cost,
      peer: bare,
      peerName: 'orrery, unlogged',
      better: 'lower',
    })
    tell({
      what: `serving, ${rows} rows, 64 callers, logged`,
      unit: 'requests/s',
      orrery,
      peer,
      peerName: 'orrery, unlogged',
      better: 'higher',
    })
  }
  await limits(loader, join(home, 'model.onnx'))
  await compareProcesses(servers)
  console.log(
    `load of the machine: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(', ')}`,
  )
} finally {
  loader.stop()
  for (const { family } of servers) await family.end()
  await rm(home, { recursive: true, force: true })
}
