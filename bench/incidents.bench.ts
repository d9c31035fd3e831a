import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { monitorsBin } from '../tests/support/python.ts'
import { startOrrery } from './peers.ts'
import { alarmsWithout } from './incidents/direct.ts'
import { alarmsOfOrrery } from './incidents/orrery.ts'
import { judged, OF_MAKE, overview, type Alarms, type Incident } from './incidents/outcome.ts'
import { tell } from './figures.ts'
import { fetchedWheel } from './streams/wheel.ts'

// Thirty-two streams of predictions with an incident in each, or none, watched day by day: by a server of ours that is told
// of the predictions and the truths as they arrive, by Evidently and by NannyML as their manuals begin. Who finds what, how
// many days later, how often without a reason, and whether the first columns that are named are the ones at fault.
// ORRERY_BENCH_SEED=N plays streams whose incidents are drawn by that seed instead (incidents/drawn.py), on three sets of data;
// ORRERY_BENCH_WHEELS=FOLDER holds the wheel that two of those are in; without it, it is fetched.
// ORRERY_BENCH_STREAMS=a,b chooses streams; ORRERY_BENCH_PEERS chooses peers, none by an empty list;
// ORRERY_BENCH_DIRECT=1 runs the monitors over rows in memory, without a server and its log: a fifth of the time.
// ORRERY_BENCH_KEEP=FOLDER keeps the streams and what the peers said, which take an hour, for the next run.

const run = promisify(execFile)
const FLIGHTS = process.env['ORRERY_FLIGHTS'] ?? 'examples/flights/months'
const seed = process.env['ORRERY_BENCH_SEED']
const streams = (process.env['ORRERY_BENCH_STREAMS'] ?? '').split(',').filter(Boolean)
const peers = (process.env['ORRERY_BENCH_PEERS'] ?? 'evidently,nannyml').split(',').filter(Boolean)
const direct = process.env['ORRERY_BENCH_DIRECT'] !== undefined
const kept = process.env['ORRERY_BENCH_KEEP']
const folder = kept ?? (await mkdtemp(join(tmpdir(), 'orrery-incidents-')))

/** Evidently takes seconds for a day: it sees so many days before the incident, or as much of a calm year, and of it. */
const EVIDENTLY_BEFORE = seed === undefined ? 20 : 14
const EVIDENTLY_AFTER = 12

/** Streams that our server is told of side by side. */
const AT_ONCE = 6

try {
  await made()
  const names = streams.length > 0 ? streams : await readdir(folder)
  const incidents = await Promise.all(names.map(incidentOf))
  const found: Record<string, Map<string, Alarms>> = { orrery: await ours(incidents) }
  for (const peer of peers) found[peer] = await theirs(peer, incidents)
  for (const line of overview(incidents, found)) console.log(line)
  report(incidents, found)
} finally {
  if (kept === undefined) await rm(folder, { recursive: true, force: true })
}

async function made(): Promise<void> {
  const missing = streams.filter((name) => !existsSync(join(folder, name, 'stream.parquet')))
  const last = seed === undefined ? 'calm' : 'calm-weather'
  if (streams.length > 0 ? missing.length === 0 : existsSync(join(folder, last, 'stream.parquet')))
    return
  if (seed === undefined) await python('make.py', FLIGHTS, folder, ...missing)
  else await drawn(seed, missing)
}

async function drawn(by: string, names: readonly string[]): Promise<void> {
  const wheels = process.env['ORRERY_BENCH_WHEELS']
  const home = wheels ?? (await mkdtemp(join(tmpdir(), 'orrery-wheels-')))
  try {
    if (wheels === undefined) await fetchedWheel(home)
    await python('drawn.py', FLIGHTS, home, folder, by, ...names)
  } finally {
    if (wheels === undefined) await rm(home, { recursive: true, force: true })
  }
}

async function incidentOf(name: string): Promise<Incident> {
  const told = JSON.parse(await readFile(join(folder, name, 'incident.json'), 'utf8')) as Incident
  return { ...OF_MAKE, ...told }
}

async function ours(incidents: readonly Incident[]): Promise<Map<string, Alarms>> {
  if (direct) {
    const found = new Map<string, Alarms>()
    for (const each of incidents) found.set(each.name, await alarmsWithout(folder, each))
    return found
  }
  const home = await mkdtemp(join(tmpdir(), 'orrery-home-'))
  const server = await startOrrery(home)
  try {
    const found = new Map<string, Alarms>()
    const waiting = [...incidents]
    const watch = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        found.set(next.name, await alarmsOfOrrery(server.url, folder, next))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, watch))
    return found
  } finally {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  }
}

async function theirs(peer: string, incidents: readonly Incident[]): Promise<Map<string, Alarms>> {
  const found = new Map<string, Alarms>()
  for (const { name, onsetDay } of incidents) {
    const firstDay = peer === 'evidently' ? Math.max(0, onsetDay - EVIDENTLY_BEFORE) : 0
    const endDay = peer === 'evidently' ? onsetDay + EVIDENTLY_AFTER : Infinity
    const span = peer === 'evidently' ? [firstDay, endDay].map(String) : []
    const memory = join(folder, name, `${peer}.json`)
    if (!existsSync(memory))
      await writeFile(memory, await python('peers.py', peer, join(folder, name), ...span))
    const said = JSON.parse(await readFile(memory, 'utf8')) as { days: Record<string, string[]> }
    const days = Object.entries(said.days).filter(([day]) => day !== 'dataset')
    found.set(name, {
      firstDay,
      endDay,
      alarms: days.map(([day, columns]) => ({ day: Number(day), columns })),
    })
  }
  return found
}

async function python(script: string, ...args: string[]): Promise<string> {
  const options = { maxBuffer: 2 ** 26, env: { ...process.env, OMP_NUM_THREADS: '2' } }
  const file = join(import.meta.dirname, 'incidents', script)
  const { stdout } = await run(join(monitorsBin(), 'python'), [file, ...args], options)
  return stdout.trim().split('\n').at(-1) ?? ''
}

function report(
  incidents: readonly Incident[],
  found: Readonly<Record<string, Map<string, Alarms>>>,
): void {
  const { orrery, ...others } = Object.fromEntries(
    Object.entries(found).map(([who, alarms]) => [who, judged(incidents, alarms)]),
  )
  if (orrery === undefined) return
  for (const [peerName, peer] of Object.entries(others)) {
    const both = (
      what: string,
      unit: string,
      better: 'lower' | 'higher',
      of: keyof typeof peer,
    ) => {
      tell({ what, unit, orrery: orrery[of], peer: peer[of], peerName, better })
    }
    both('incidents found', 'of them', 'higher', 'found')
    both('days until found, median', 'days', 'lower', 'medianDelay')
    both('false alarms in 100 calm days', 'alarms', 'lower', 'falsePerHundred')
    both('cause named first', 'of those found', 'higher', 'first')
    both('cause among the first three', 'of those found', 'higher', 'firstThree')
  }
}
