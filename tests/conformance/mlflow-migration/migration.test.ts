import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runCommand, type Ended } from '../../support/command.ts'
import { freePort, startFamily } from '../../support/process.ts'
import { openPythonHost, type PythonHost } from '../../support/python-host.ts'
import { pythonBin } from '../../support/python.ts'
import { startTestServer } from '../../support/server.ts'

// One store, filled by the real client, goes from a real server to ours and back to a real one; what the real
// client reads of each is compared whole.

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const HERE = import.meta.dirname
const QUIET = {
  MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
  MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: 'false',
  MLFLOW_DISABLE_TELEMETRY: 'true',
  MLFLOW_ALLOW_FILE_STORE: 'true',
  PYTHONWARNINGS: 'ignore',
}
const undo: (() => Promise<void>)[] = []
let folder = ''
let python: PythonHost
/** A real server with a filled store, what the client reads of it, and its parts on the disk. */
let theirs: { url: string; dump: Dump; database: string; artifacts: string }

type Dump = Record<'experiments' | 'runs' | 'models' | 'registry' | 'ids', Record<string, unknown>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-migration-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  python = await openPythonHost({ imports: ['mlflow'], environment: QUIET })
  undo.push(python.end)
  const store = { database: join(folder, 'mlflow.db'), artifacts: join(folder, 'files') }
  const url = await mlflowServer(store)
  await script('make', url)
  theirs = { url, ...store, dump: await dumpOf(url) }
})

afterAll(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

test('a running server is imported whole, and read by the real client as before', async () => {
  const ours = await orrery()
  const { report } = await imported(theirs.url, ours, '--verify', 'full')
  expect(report).toMatchObject({ verified: 'full', differences: [], skipped: [] })
  expect(await dumpOf(ours)).toEqual(theirs.dump)
})

test('a database goes to Orrery, to a real server and to another Orrery, and nothing is lost', async () => {
  const ours = await orrery()
  // A copy somewhere else, whose files have to be named.
  const database = join(folder, 'elsewhere', 'mlflow.db')
  await cp(theirs.database, database)
  const from = [database, '--artifacts', theirs.artifacts]
  const { report } = await imported(from[0] ?? '', ours, ...from.slice(1), '--verify', 'full')
  expect(report).toMatchObject({ verified: 'full', differences: [], skipped: [] })

  const to = join(folder, 'exported')
  const exported = await command('export', 'mlflow', to, '--url', ours, '--json')
  expect(exported).toMatchObject({ code: 0 })
  const store = { database: join(to, 'mlflow.db'), artifacts: join(to, 'mlartifacts') }
  const before = await readFile(store.database)
  await promisify(execFile)(join(pythonBin(), 'mlflow'), [
    'db',
    'upgrade',
    `sqlite:///${store.database}`,
  ])
  expect((await readFile(store.database)).equals(before)).toBe(true)
  expect(await dumpOf(await mlflowServer(store))).toEqual(theirs.dump)

  const again = await orrery()
  await imported(store.database, again)
  expect(await dumpOf(again)).toEqual(theirs.dump)
})

test('a folder of runs is imported whole; its long numbers of experiments become short ones', async () => {
  const runs = join(folder, 'mlruns')
  await script('make', runs)
  const ours = await orrery()
  const { report } = await imported(runs, ours, '--verify', 'full')
  expect(report).toMatchObject({ verified: 'full', differences: [], skipped: [] })
  expect(report['renamed']).toHaveLength(4)
  const [here, there] = [await dumpOf(ours), await dumpOf(runs)]
  // MLflow misreads the step of a point that names a dataset, in a folder of runs.
  for (const run of Object.values(there.runs) as { points: Record<string, unknown> }[])
    if ('auc' in run.points) run.points['auc'] = ['[1700000000500, 3, 0.75]']
  expect({ ...here, ids: {} }).toEqual({ ...there, ids: {} })
})

test('a second import takes only what is new, and the ledger hears of nothing else', async () => {
  const ours = await orrery()
  await imported(theirs.url, ours)
  const entries = await ledgerSize(ours)
  const { report: idle } = await imported(theirs.url, ours)
  expect(idle).toMatchObject({ runs: { new: 0, changed: 0, same: 9 }, points: 0, files: 0 })
  expect(await ledgerSize(ours)).toBe(entries)

  await python.run(MORE, { MLFLOW_TRACKING_URI: theirs.url })
  const { report } = await imported(theirs.url, ours)
  expect(report).toMatchObject({
    runs: { new: 1, changed: 1, same: 8 },
    registeredModels: { new: 0, changed: 1 },
    versions: { new: 1 },
    files: 1,
  })
  theirs = { ...theirs, dump: await dumpOf(theirs.url) }
  expect(await dumpOf(ours)).toEqual(theirs.dump)
})

test('what would be imported is told, and nothing is written; experiments are chosen by name', async () => {
  const ours = await orrery()
  const entries = await ledgerSize(ours)
  const { report: dry } = await imported(theirs.url, ours, '--dry-run')
  expect(dry).toMatchObject({ dryRun: true, experiments: { new: 5 } })
  expect(await ledgerSize(ours)).toBe(entries)
  const { report } = await imported(theirs.url, ours, '--experiments', 'gone')
  expect(report).toMatchObject({
    experiments: { new: 1 },
    runs: { new: 1 },
    registeredModels: { new: 0 },
  })
  const unknown = await command(
    'import',
    'mlflow',
    theirs.url,
    '--url',
    ours,
    '--experiments',
    'gonne',
  )
  expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('"gonne"') as string })
})

test('files that cannot be found are told, and come with the next import that finds them', async () => {
  const ours = await orrery()
  const database = join(folder, 'alone', 'mlflow.db')
  await cp(theirs.database, database)
  const { report: first } = await imported(database, ours)
  expect(first['skipped']).not.toEqual([])
  const { report } = await imported(
    database,
    ours,
    '--artifacts',
    theirs.artifacts,
    '--verify',
    'full',
  )
  expect(report).toMatchObject({ verified: 'full', skipped: [], differences: [] })
})

test('what is no MLflow store, or too old a one, is refused with what to do', async () => {
  const ours = await orrery()
  const odd = join(folder, 'odd.db')
  await writeFile(odd, 'no database')
  const old = join(folder, 'old.db')
  await python.run(OLD, { FILE: old })
  for (const [from, words] of [
    [odd, 'SQLite'],
    [old, 'mlflow db upgrade'],
    [join(folder, 'nowhere'), 'there is no'],
    ['postgresql://localhost/x', 'mlflow server'],
  ] as const)
    expect(await command('import', 'mlflow', from, '--url', ours)).toMatchObject({
      code: 2,
      err: expect.stringContaining(words) as string,
    })
})

/** What goes on in a store after it was imported. */
const MORE = `
import tempfile, pathlib
from mlflow import MlflowClient
client = MlflowClient()
experiment = client.get_experiment_by_name("flights").experiment_id
running = client.search_runs([experiment], "attributes.run_name = 'parent'")[0].info.run_id
for step in range(5):
    client.log_metric(running, "later", step, 10, step)
client.set_tag(running, "changed", "since")
fresh = client.create_run(experiment, run_name="fresh").info.run_id
file = pathlib.Path(tempfile.mkdtemp()) / "new.txt"
file.write_text("new")
client.log_artifact(fresh, str(file))
client.create_model_version("late", f"runs:/{fresh}/", run_id=fresh)
client.set_registered_model_alias("late", "champion", "4")
print("null")
`

const OLD = `
import os, sqlite3
db = sqlite3.connect(os.environ["FILE"])
db.execute("create table experiments (experiment_id integer, name text, artifact_location text, lifecycle_stage text)")
db.execute("create table runs (run_uuid text)")
db.commit()
print("null")
`

async function imported(from: string, ours: string, ...more: readonly string[]) {
  const ended = await command('import', 'mlflow', from, '--url', ours, '--json', ...more)
  expect({ code: ended.code, said: ended.code === 0 ? '' : ended.out + ended.err }).toEqual({
    code: 0,
    said: '',
  })
  return { report: JSON.parse(ended.out) as Record<string, unknown> }
}

function command(...args: readonly string[]): Promise<Ended> {
  return runCommand(folder, args)
}

async function ledgerSize(url: string): Promise<number> {
  const { entries } = (await (await fetch(`${url}/api/v1/ledger/entries?limit=1`)).json()) as {
    entries: { position: number }[]
  }
  return (entries[0]?.position ?? -1) + 1
}

async function script(name: string, uri: string): Promise<unknown> {
  const text = await readFile(join(HERE, 'scripts', `${name}.py`), 'utf8')
  return python.run(text, { MLFLOW_TRACKING_URI: uri })
}

async function dumpOf(uri: string): Promise<Dump> {
  return (await script('dump', uri)) as Dump
}

async function orrery(): Promise<string> {
  const server = await startTestServer()
  undo.push(server.stop)
  return server.url
}

async function mlflowServer(store: { database: string; artifacts: string }): Promise<string> {
  const port = await freePort()
  const server = startFamily(
    join(pythonBin(), 'mlflow'),
    `server --port ${port} --workers 1 --backend-store-uri sqlite:///${store.database} --artifacts-destination ${store.artifacts}`.split(
      ' ',
    ),
    { folder, environment: { PATH: `${pythonBin()}:${process.env['PATH']}` } },
  )
  server.stdout.resume()
  undo.push(() => server.end())
  const url = `http://127.0.0.1:${port}`
  for (;;) {
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    if (answer?.ok === true) return url
    await sleep(200)
  }
}
