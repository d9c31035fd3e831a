import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { MAIN } from '../tests/support/orrery.ts'
import { monitorsBin } from '../tests/support/python.ts'
import { tell } from './figures.ts'
import { runToEnd } from './peers.ts'

// Whole commands on files, by the processor time and the memory of the process from its start to its end:
// a drift report of 20 columns with the statistics that Evidently chooses, beside Evidently; the profile that later rows
// are compared with, beside whylogs; and ten times as many current rows against that profile, beside the goals.

const ROWS = Number(process.env['ORRERY_BENCH_ROWS'] ?? 1_000_000)
const MANY = Number(process.env['ORRERY_BENCH_MANY_ROWS'] ?? 10 * ROWS)

const EVIDENTLY = `
import sys, warnings
warnings.filterwarnings('ignore')
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
one, other = [Dataset.from_pandas(pd.read_parquet(path), data_definition=DataDefinition()) for path in sys.argv[1:]]
Report([DataDriftPreset()]).run(other, one).dict()
`

// Batch by batch, as its manual says for what is too large: the whole table would need far more memory.
const WHYLOGS = `
import sys, warnings
warnings.filterwarnings('ignore')
import pyarrow.parquet as pq
from whylogs.core import DatasetProfile
profile = DatasetProfile()
for batch in pq.ParquetFile(sys.argv[1]).iter_batches(batch_size=1 << 17):
    profile.track(batch.to_pandas())
profile.view().serialize()
`

// The kernel counts for a parent what its children spent, and the most that one of them held.
const WATCH = `
import json, resource, subprocess, sys, time
began = time.monotonic()
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors='replace')
spent = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({'status': ended.returncode, 'said': ended.stderr[-2000:], 'cpu': spent.ru_utime + spent.ru_stime, 'mib': spent.ru_maxrss / 1024, 'wall': time.monotonic() - began}))
`

interface Spent {
  readonly cpu: number
  readonly mib: number
  readonly wall: number
}

interface Watched extends Spent {
  /** The exit status, or below zero the signal that ended it, which is how the system takes memory back. */
  readonly status: number
  readonly said: string
}

const folder = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
// A signal ends it without `finally`: it says what it was at, and leaves no gigabytes behind.
let step = 'writing the files'
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.once(signal, () => {
    console.error(`ended by ${signal} while ${step}`)
    rmSync(folder, { recursive: true, force: true })
    process.exit(1)
  })
try {
  await write('one', ROWS, 1)
  await write('other', ROWS, 2)
  await write('many', MANY, 3)
  await drift()
  await profile()
} finally {
  await rm(folder, { recursive: true, force: true })
}

// Each figure is told as soon as it is there: what ends in between leaves those before it.
async function drift(): Promise<void> {
  const files = [path('one'), path('other')]
  const ours = await orrery('drift', ...files, '--preset', 'evidently')
  const native = await orrery('drift', ...files)
  const theirs = await python(EVIDENTLY, ...files)
  const what = `drift report, ${ROWS} + ${ROWS} rows × 20 columns`
  told(`${what}, Evidently's statistics`, ours, theirs, 'Evidently')
  told(`${what}, native rules`, native, theirs, 'Evidently')
}

async function profile(): Promise<void> {
  const stored = join(folder, 'profile.json')
  const small = await orrery('profile', path('one'), '--drift', stored)
  const against = await orrery('drift', stored, path('many'))
  const what = `${MANY} rows × 20 columns against a stored profile`
  const goal = { cpu: 16, wall: 8, mib: 500 }
  told(what, against, goal, 'the goal')
  tell({
    what,
    unit: 's from start to end',
    orrery: against.wall,
    peer: goal.wall,
    peerName: 'the goal',
    better: 'lower',
  })
  told(`profile of ${ROWS} rows × 20 columns`, small, await python(WHYLOGS, path('one')), 'whylogs')
  const large = await orrery('profile', path('many'), '--drift', stored)
  const theirs = await python(WHYLOGS, path('many'))
  told(`profile of ${MANY} rows × 20 columns`, large, theirs, 'whylogs')
}

function told(what: string, ours: Spent, theirs: Spent, peerName: string): void {
  tell({ what, unit: 's of CPU', orrery: ours.cpu, peer: theirs.cpu, peerName, better: 'lower' })
  tell({ what, unit: 'MiB at most', orrery: ours.mib, peer: theirs.mib, peerName, better: 'lower' })
}

function orrery(...args: string[]): Promise<Spent> {
  return watched(`orrery ${args[0]}`, process.execPath, MAIN, ...args, '--quiet', '--json')
}

async function python(script: string, ...args: string[]): Promise<Spent> {
  const file = join(folder, 'peer.py')
  await writeFile(file, script)
  const name = script === WHYLOGS ? 'whylogs' : 'Evidently'
  return watched(name, join(monitorsBin(), 'python'), file, ...args)
}

async function watched(name: string, ...command: string[]): Promise<Spent> {
  step = `${name} ran`
  const printed = await runToEnd(join(monitorsBin(), 'python'), ['-c', WATCH, ...command], {
    folder,
  })
  const { status, said, ...spent } = JSON.parse(printed.trim().split('\n').at(-1) ?? '') as Watched
  const seen = `${spent.cpu.toFixed(1)} s of CPU, ${spent.wall.toFixed(1)} s, ${spent.mib.toFixed(0)} MiB at most, at a load of ${loadavg()[0]?.toFixed(1)}`
  if (status < 0) throw new Error(`${name} was killed by signal ${-status} after ${seen}: ${said}`)
  if (status > 0) throw new Error(`${name} ended with ${status} after ${seen}: ${said}`)
  console.log(`${name}: ${seen}`)
  return spent
}

/** Normal, skewed, whole, gappy and heavy-tailed numbers, and categories from two to ten thousand. */
async function write(name: string, rows: number, seed: number): Promise<void> {
  const columns = [
    ...Array.from(
      { length: 6 },
      (_, at) =>
        `sqrt(-2 * ln(random() + 1e-12)) * cos(6.283185307 * random()) * ${at + 1} as n${at}`,
    ),
    ...Array.from({ length: 4 }, (_, at) => `exp(random() * ${at + 1}) as l${at}`),
    ...Array.from({ length: 3 }, (_, at) => `(random() * ${10 ** (at + 2)})::bigint as i${at}`),
    ...Array.from(
      { length: 2 },
      (_, at) =>
        `case when random() < 0.06 then null else tan(3.14159 * (random() - 0.5)) end as h${at}`,
    ),
    ...[2, 10, 100, 1000, 10_000].map((count, at) => `'v' || (random() * ${count})::int as c${at}`),
  ]
  console.log(`writing ${rows} rows`)
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1GB' })
  const connection = await instance.connect()
  await connection.run(`select setseed(0.${seed})`)
  await connection.run(
    `copy (select ${columns.join(', ')} from range(${rows})) to '${path(name)}' (format parquet, compression zstd)`,
  )
  connection.closeSync()
  instance.closeSync()
}

function path(name: string): string {
  return join(folder, `${name}.parquet`)
}
