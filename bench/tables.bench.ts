import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { openLooseTables } from '#app/project/tables'
import { median, tell } from './figures.ts'

// The profile of a table of 20 columns, beside DuckDB's one scan of the same columns (the least and the greatest value of
// each) and beside its own SUMMARIZE, by turns; then the difference of two versions of the table by key, where one row in
// a hundred changed. ORRERY_BENCH_ROWS=10000000 is the size that is aimed at.

const ROWS = Number(process.env['ORRERY_BENCH_ROWS'] ?? 500_000)
const ROUNDS = 3

const folder = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const tables = openLooseTables(folder)
try {
  await write()
  await profile()
  await difference()
} finally {
  await tables.close()
  await rm(folder, { recursive: true, force: true })
}

async function duckdb<T>(use: (run: (text: string) => Promise<unknown>) => Promise<T>): Promise<T> {
  const limits = { threads: '2', memory_limit: '1400MB', temp_directory: join(folder, 'spill') }
  const instance = await DuckDBInstance.create(':memory:', limits)
  const connection = await instance.connect()
  try {
    return await use((text) => connection.runAndReadAll(text))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

async function write(): Promise<void> {
  const floats = Array.from({ length: 8 }, (_, at) => `random() * 1000 as d${at}`)
  const integers = Array.from(
    { length: 6 },
    (_, at) => `(random() * ${10 ** (at + 1)})::bigint as i${at}`,
  )
  const texts = [10, 1000, 100_000].map(
    (count, at) => `'v' || (random() * ${count})::int as s${at}`,
  )
  await duckdb(async (run) => {
    await run(`copy (select range as id, ${[...floats, ...integers, ...texts].join(', ')},
      timestamp '2020-01-01' + to_seconds((random() * 1e8)::bigint) as moment, random() < 0.3 as flag
      from range(${ROWS})) to '${join(folder, 'old.parquet')}'`)
    await run(`copy (select * replace (case when id % 100 = 3 then d0 + 1 else d0 end as d0)
      from '${join(folder, 'old.parquet')}' where id >= 1000) to '${join(folder, 'new.parquet')}'`)
  })
}

async function profile(): Promise<void> {
  const table = await tables.at('old.parquet')
  const columns = (await tables.columns(table)).map(({ name }) => name)
  const extremes = columns.map((name) => `min(${name}), max(${name})`).join(', ')
  const spent = { own: [] as number[], scan: [] as number[], summary: [] as number[] }
  await duckdb(async (run) => {
    const from = `'${join(folder, 'old.parquet')}'`
    for (let round = 0; round < ROUNDS; round++) {
      spent.own.push(await seconds(() => tables.profile(table, { again: true })))
      spent.scan.push(await seconds(() => run(`select ${extremes} from ${from}`)))
      spent.summary.push(await seconds(() => run(`summarize ${from}`)))
    }
  })
  const what = `profile of ${ROWS} rows × ${columns.length} columns`
  const own = median(spent.own)
  tell({
    what,
    unit: 's',
    orrery: own,
    peer: median(spent.scan),
    peerName: 'one scan',
    better: 'lower',
  })
  tell({
    what,
    unit: 's',
    orrery: own,
    peer: median(spent.summary),
    peerName: 'SUMMARIZE',
    better: 'lower',
  })
}

async function difference(): Promise<void> {
  let mostMb = 0
  const timer = setInterval(() => {
    mostMb = Math.max(mostMb, process.memoryUsage.rss() / 1e6)
  }, 20)
  const both = { old: await tables.at('old.parquet'), new: await tables.at('new.parquet') }
  const spent = await seconds(() => tables.difference(both, { keys: ['id'], examples: 5 }))
  clearInterval(timer)
  const what = `difference by key of ${ROWS} rows × 20 columns`
  tell({ what, unit: 's', orrery: spent, peer: 30, peerName: 'the goal', better: 'lower' })
  tell({
    what,
    unit: 'MB at most',
    orrery: mostMb,
    peer: 2000,
    peerName: 'the goal',
    better: 'lower',
  })
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1000
}
