import BetterSqlite from 'better-sqlite3'
import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect, promisify } from 'node:util'
import { moveHome } from '#app/home/move-home'
import { Problem } from '#base/problem'
import type { Postgres } from './postgres.ts'
import { asker } from './bad-input/world.ts'
import { MAIN } from './orrery.ts'

const WAIT_MS_MAX = 30_000

/** A copy of a home, which a test may do anything to. */
export async function copyOf(home: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'orrery-move-'))
  await cp(home, copy, { recursive: true })
  return copy
}

export async function removeAll(homes: string[]): Promise<void> {
  for (const home of homes.splice(0)) await rm(home, { recursive: true, force: true })
}

export interface Moved {
  end: string
  id: string
  rows: number
  digest: string
  setAside: string
  tables: { table: string; rows: number; digest: string }[]
  ledger: { entries: number; head: string }
  error?: { code: string; message: string }
}

/** What a move comes to, or why it was refused. */
export async function migrate(home: string, to: string): Promise<Moved> {
  try {
    const { store } = await moveHome({ to, home, how: 'move' }, quietly)
    return asTold(store.end === 'finished' ? store : { ...store, tables: store.contents })
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return asTold({ error: { code: error.code, message: error.message } })
  }
}

const quietly = () => ({ add: () => undefined, end: () => undefined })

function asTold(what: object): Moved {
  return JSON.parse(JSON.stringify(what)) as Moved
}

/** The same as a person runs it. */
export async function orreryMigrate(home: string, ...args: string[]): Promise<Moved> {
  const command = [MAIN, 'migrate', '--home', home, '--json', ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command, { env: calm() })
  return JSON.parse(stdout) as Moved
}

/** What it says when no file may become larger than so many KiB. */
export async function migrateWithin(kib: number, home: string, to: string): Promise<Moved> {
  const command = `ulimit -f ${kib}; exec "$@"`
  const args = ['-c', command, 'sh', process.execPath, MAIN, 'migrate', '--home', home, '--to', to]
  const out = await promisify(execFile)('bash', [...args, '--json'], { env: calm() }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  )
  return JSON.parse(out) as Moved
}

/** Begins a move and ends it with SIGKILL when `moment` comes; true when it did so before its end. */
export async function migrateKilled(
  home: string,
  to: string,
  moment: () => Promise<unknown>,
): Promise<boolean> {
  const child = spawn(process.execPath, [MAIN, 'migrate', '--home', home, '--to', to], {
    env: calm(),
    stdio: 'ignore',
  })
  const ended = new Promise<boolean>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (_, signal) => resolve(signal === 'SIGKILL'))
  })
  await Promise.race([moment(), ended])
  child.kill('SIGKILL')
  return ended
}

function calm(): NodeJS.ProcessEnv {
  const { ORRERY_DATABASE: _, ORRERY_HOME: __, ...variables } = process.env
  return variables
}

/** Waits until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const lastMs = Date.now() + WAIT_MS_MAX; !(await isSo()); await sleep(5))
    if (Date.now() > lastMs) throw new Error('it did not happen in time')
}

/** Whether a move waits for a lock in that database. */
export async function isWaiting(postgres: Postgres, url: string): Promise<boolean> {
  const rows = await postgres.run(
    `select 1 from pg_stat_activity where application_name = 'orrery migrate' and wait_event_type = 'Lock'
      and datname = '${databaseIn(url)}'`,
  )
  return rows.length > 0
}

export const databaseIn = (url: string) => new URL(url).pathname.slice(1)

/** Answers of a server that tell of nearly all that it keeps, and that time alone does not change. */
export async function told(url: string): Promise<Record<string, unknown>> {
  const ask = asker(url)
  const api = (path: string, body: object) => ask('POST', `/api/2.0/mlflow/${path}`, body)
  const { experiments } = await api('experiments/search', { max_results: 100, view_type: 'ALL' })
  const ids = (experiments as { experiment_id: string }[]).map((each) => each.experiment_id)
  const { runs } = await api('runs/search', { experiment_ids: ids, run_view_type: 'ALL' })
  const histories = []
  for (const { info, data } of runs as { info: { run_id: string }; data: { metrics?: [] } }[])
    for (const { key } of (data.metrics ?? []) as { key: string }[])
      histories.push(
        await ask(
          'GET',
          `/api/2.0/mlflow/metrics/get-history?run_id=${info.run_id}&metric_key=${key}`,
        ),
      )
  const get = (path: string) => ask('GET', path)
  return {
    experiments,
    runs,
    histories,
    models: await get('/api/2.0/mlflow/registered-models/search'),
    versions: await get('/api/2.0/mlflow/model-versions/search'),
    loggedModels: await api('logged-models/search', { experiment_ids: ids }),
    traces: await api('traces/search', { locations: ids.map(ofExperiment) }).catch(String),
    webhooks: await get('/api/v1/webhooks'),
    views: await get('/api/v1/views'),
    trash: await get('/api/v1/trash'),
    projects: await get('/api/v1/projects'),
    pipelineRuns: await get('/api/v1/pipeline-runs'),
  }
}

const ofExperiment = (id: string) => ({
  type: 'MLFLOW_EXPERIMENT',
  mlflow_experiment: { experiment_id: id },
})

const TEXTS = [
  '',
  ' ',
  'ü\u0301',
  '😀\u{10ffff}',
  '\u0001\u001f\t\n\\N',
  "';--",
  '\ufeff\ufffd\u2028',
  '\\x00',
]
const BIG = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]
/** None that the home has already. */
const KEYS = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]
const SMALL = [0n, 2n ** 31n - 1n, -(2n ** 31n)]
const FRACTIONS = [0, -0, 0.1, 5e-324, 1.7976931348623157e308, Infinity, -Infinity, 1e20]

/** Columns by which tables refer to each other. */
const REFERS = /^(model|name|version)$/

/** Puts odd rows into each table of a file but those of the ledger, which would be no ledger then; gives the tables' names. */
export function fillOddly(file: string): string[] {
  const database = new BetterSqlite(file)
  try {
    database.pragma('foreign_keys = off')
    const names = database
      .prepare(`select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`)
      .pluck()
      .all() as string[]
    for (const name of names)
      if (!/^(ledger_.*|migrations|moves|replicas|lead)$/.test(name)) fillTable(database, name)
    const broken = database.pragma('foreign_key_check') as object[]
    if (broken.length > 0)
      throw new Error(`a table needs rows of another: ${JSON.stringify(broken)}`)
    return names
  } finally {
    database.close()
  }
}

function fillTable(database: BetterSqlite.Database, table: string): void {
  const columns = database.pragma(`table_info("${table}")`) as {
    name: string
    type: string
    notnull: number
    pk: number
  }[]
  const insert = database.prepare(
    `insert into "${table}" values (${columns.map(() => '?').join(', ')})`,
  )
  for (let row = 0; row < 8; row += 1)
    insert.run(
      columns.map(({ name, type, notnull, pk }, at) =>
        row === 7 && notnull === 0 && pk === 0
          ? null
          : oddValue({
              name,
              type: type.toLowerCase(),
              isKey: pk > 0,
              row: row + (pk > 0 || REFERS.test(name) ? 0 : at),
            }),
      ),
    )
}

/** Of one column different in each row, so that keys are; and of one name alike in each table, so that references hold. */
function oddValue({
  name,
  type,
  isKey,
  row,
}: {
  name: string
  type: string
  isKey: boolean
  row: number
}) {
  if (name === 'model' || name === 'name') return `${row % 8}-model-${TEXTS[row % 8]}`
  if (type === 'text') return `${TEXTS[row % TEXTS.length]}${row === 0 ? '' : `-${row}`}`
  if (type === 'blob') return Buffer.from([row, 0, 255, 10]).subarray(0, row % 5)
  if (type === 'double precision') return FRACTIONS[row % FRACTIONS.length]
  if (name === 'version') return BigInt((row % 8) + 100)
  const small = isKey ? SMALL.slice(1) : SMALL
  const odd = type === 'bigint' ? (isKey ? KEYS : BIG) : small
  return row < odd.length ? odd[row] : BigInt(row * 1000)
}

/** All rows of a table as SQLite has them, whatever reads and writes them otherwise. */
export function rowsIn(file: string, table: string): unknown[] {
  const database = new BetterSqlite(file, { readonly: true })
  try {
    const rows = database.prepare(`select * from "${table}"`).safeIntegers().raw().all()
    return rows
      .map((row) => inspect(row, { maxArrayLength: null, maxStringLength: null }))
      .toSorted()
  } finally {
    database.close()
  }
}

export const bytesOf = async (file: string) => (await readFile(file)).toString('base64')
