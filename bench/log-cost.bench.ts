import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pythonBin } from '../tests/support/python.ts'
import { median, quantile, tell } from './figures.ts'
import { runToEnd } from './peers.ts'
import { startOurs, type Served } from './serving/contenders.ts'
import { startLoader, type Loader } from './serving/loader.ts'
import { cpuAtRest, cpuByThread } from './serving/processors.ts'

// What the prediction log costs: one endpoint that logs beside one that does not, asked in slices of seconds by turns
// (with, without, without, with, …), each when the server has come to rest, so that what else the machine does meets both
// and what was put off is counted to nobody else. Each pair of neighbours gives a ratio.

const numbersIn = (name: string, otherwise: string) =>
  (process.env[name] ?? otherwise).split(',').map(Number)

const [SLICE_MS = 4000] = numbersIn('ORRERY_BENCH_SLICE_MS', '4000')
const [PAIRS = 6] = numbersIn('ORRERY_BENCH_PAIRS', '6')
const ROWS = numbersIn('ORRERY_BENCH_ROWS', '1,64')
const CALLERS = numbersIn('ORRERY_BENCH_CALLERS', '1,8,64')
const WARM_MS = 3000
/** Longer than the log rests between two pieces of what was put off. */
const REST = { restMs: 5000, mostMs: 120_000 }

const NAMES = ['orrery', 'orrery, unlogged'] as const
type Name = (typeof NAMES)[number]

interface Slice {
  readonly requests: number
  readonly perSecond: number
  readonly p99Ms: number
  /** CPU in milliseconds by thread: while it was asked, and from then on until it was at rest. */
  readonly meanwhile: ReadonlyMap<string, number>
  readonly afterwards: ReadonlyMap<string, number>
}

interface Asked {
  readonly rows: number
  readonly callers: number
}

async function slice(
  loader: Loader,
  { family, settle, targets }: Served,
  { name, rows, callers, forMs = SLICE_MS }: Asked & { name: Name; forMs?: number },
): Promise<Slice> {
  const target = targets.find((each) => each.name === name)
  if (target === undefined) throw new Error(`nobody is called ${name}`)
  const { url, form, model } = target
  const begun = await cpuByThread(family)
  const loaded = await loader.load({ url, form, model, rows, callers, forMs })
  const answered = await cpuByThread(family)
  await settle?.()
  await cpuAtRest(family, REST)
  return {
    requests: loaded.timesMs.length,
    perSecond: (1000 * loaded.timesMs.length) / loaded.tookMs,
    p99Ms: quantile(loaded.timesMs, 0.99),
    meanwhile: difference(begun, answered),
    afterwards: difference(answered, await cpuByThread(family)),
  }
}

function difference(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map([...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]))
}

type Pair = Readonly<Record<Name, Slice>>

async function measure(loader: Loader, served: Served, asked: Asked): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (let turn = 0; turn < PAIRS; turn++) {
    const slices: Partial<Record<Name, Slice>> = {}
    for (const name of turn % 2 === 0 ? NAMES : NAMES.toReversed())
      slices[name] = await slice(loader, served, { name, ...asked })
    pairs.push(slices as Pair)
  }
  return pairs
}

function print(pairs: readonly Pair[], { rows, callers }: Asked): void {
  const what = `${rows} ${rows === 1 ? 'row' : 'rows'}, ${callers} ${callers === 1 ? 'caller' : 'callers'}`
  const middle = (name: Name, of: (slice: Slice) => number) =>
    median(pairs.map((pair) => of(pair[name])))
  const ratios = pairs.map((pair) => pair.orrery.perSecond / pair['orrery, unlogged'].perSecond)
  console.log(
    `${what}: ${percent(median(ratios))} of the requests without a log (${percent(Math.min(...ratios))} to ${percent(Math.max(...ratios))} in ${pairs.length} pairs)`,
  )
  for (const name of NAMES)
    console.log(`  ${name.padEnd(18)}p99 ${middle(name, ({ p99Ms }) => p99Ms).toPrecision(3)} ms`)
  printThreads(pairs)
  tell({
    what: `cost of the log, ${what}`,
    unit: 'requests/s',
    orrery: middle('orrery', ({ perSecond }) => perSecond),
    peer: middle('orrery, unlogged', ({ perSecond }) => perSecond),
    peerName: 'orrery, unlogged',
    better: 'higher',
  })
}

/** CPU of a request by thread, while requests came and afterwards, with a log and without. */
function printThreads(pairs: readonly Pair[]): void {
  const names = pairs.flatMap((pair) => NAMES.flatMap((name) => [...pair[name].afterwards.keys()]))
  const micros = (name: Name, when: 'meanwhile' | 'afterwards', thread: string) =>
    (1000 * sum(pairs.map((pair) => pair[name][when].get(thread) ?? 0))) /
    sum(pairs.map((pair) => pair[name].requests))
  console.log('  µs of CPU a request: logged meanwhile, afterwards; unlogged meanwhile, afterwards')
  for (const thread of new Set(names)) {
    const spent = NAMES.flatMap((name) => [
      micros(name, 'meanwhile', thread),
      micros(name, 'afterwards', thread),
    ])
    if (spent.some((each) => each >= 0.5))
      console.log(
        `    ${thread.padEnd(28)}${spent.map((each) => each.toFixed(1).padStart(8)).join('')}`,
      )
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}

const home = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const loader = startLoader()
let served: Served | undefined
try {
  const script = join(import.meta.dirname, 'serving', 'python', 'make_models.py')
  await runToEnd(join(pythonBin(), 'python'), [script, home], { folder: home })
  served = await startOurs({ home })
  for (const rows of ROWS)
    for (const name of NAMES)
      await slice(loader, served, { name, rows, callers: 8, forMs: WARM_MS })
  for (const rows of ROWS)
    for (const callers of CALLERS)
      print(await measure(loader, served, { rows, callers }), { rows, callers })
  console.log(`load of the machine: ${loadavg()[0]?.toFixed(1)}`)
} finally {
  loader.stop()
  await served?.family.end()
  await rm(home, { recursive: true, force: true })
}
