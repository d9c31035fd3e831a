// A real Airflow against a real server, on demand: node tests/openlineage/airflow/run.mjs
// It installs Airflow in a virtual environment of its own (two minutes, 800 MB), which `npm test` does not wait for; that
// plays events-of-3.1.3.jsonl, which this prints when it is given --record FILE.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGES = [
  'apache-airflow==3.1.3',
  'apache-airflow-providers-openlineage==2.20.3',
  'apache-airflow-providers-common-io==1.11.0',
]
const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))
const record = process.argv.indexOf('--record')

const bin = process.env['ORRERY_AIRFLOW_BIN'] ?? installed()
const folder = mkdtempSync(join(tmpdir(), 'orrery-airflow-'))
const port = await freePort()
const url = `http://127.0.0.1:${port}`
const server = spawn(
  process.execPath,
  [join(root, 'bin/orrery'), 'up', '--home', join(folder, 'home'), '--port', String(port)],
  { stdio: ['ignore', 'ignore', 'inherit'] },
)
try {
  await until(async () => (await fetch(`${url}/health`)).ok)
  const started = performance.now()
  runDag({ type: 'http', url })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const { runs } = await (await fetch(`${url}/api/v1/lineage/runs`)).json()
  const states = Object.fromEntries(runs.map(({ job, state }) => [job.name, state]))
  const expected = { weather: 'failed', 'weather.clean': 'completed', 'weather.publish': 'failed' }
  for (const [job, state] of Object.entries(expected))
    if (states[job] !== state) throw new Error(`${job} is ${states[job]}, not ${state}`)
  const clean = runs.find(({ job }) => job.name === 'weather.clean')
  const graph = await (await fetch(`${url}/api/v1/lineage?node=run:${clean.id}`)).json()
  for (const relation of ['read', 'made-by', 'part-of'])
    if (!graph.edges.some((edge) => edge.relation === relation))
      throw new Error(`the lineage of weather.clean has no edge "${relation}"`)
  console.log(`Airflow's run is in the lineage: ${JSON.stringify(states)}, ${seconds} s`)
  if (record !== -1) {
    const file = join(folder, 'events.jsonl')
    runDag({ type: 'file', log_file_path: file, append: true })
    copyFileSync(file, process.argv[record + 1])
  }
} finally {
  server.kill('SIGTERM')
  await new Promise((resolve) => {
    server.once('exit', resolve)
  })
  rmSync(folder, { recursive: true, force: true })
}

function installed() {
  const place = join(root, 'node_modules/.cache/orrery/airflow')
  const done = join(place, 'installed.json')
  if (!existsSync(done)) {
    const python = process.env['ORRERY_AIRFLOW_PYTHON'] ?? 'python3'
    execFileSync(python, ['-m', 'venv', '--clear', place], { stdio: 'inherit' })
    execFileSync(join(place, 'bin/pip'), ['install', '--quiet', ...PACKAGES], { stdio: 'inherit' })
    writeFileSync(done, JSON.stringify(PACKAGES))
  }
  return join(place, 'bin')
}

/** In one process, without an executor, a scheduler or an API server. */
function runDag(transport) {
  const home = join(folder, 'airflow')
  mkdirSync(join(home, 'dags'), { recursive: true })
  copyFileSync(join(here, 'weather.py'), join(home, 'dags', 'weather.py'))
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env['PATH']}`,
    AIRFLOW_HOME: home,
    AIRFLOW__CORE__DAGS_FOLDER: join(home, 'dags'),
    AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
    AIRFLOW__OPENLINEAGE__NAMESPACE: 'airflow-prod',
    AIRFLOW__OPENLINEAGE__TRANSPORT: JSON.stringify(transport),
  }
  execFileSync(join(bin, 'airflow'), ['db', 'migrate'], { env, stdio: 'ignore' })
  // One of its tasks fails, and so does it: what was told of that is what counts.
  const { stdout, stderr } = spawnSync(
    join(bin, 'airflow'),
    ['dags', 'test', 'weather', '2026-01-02'],
    { env, encoding: 'utf8' },
  )
  if (process.argv.includes('--verbose')) console.log(stdout, stderr)
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: found } = probe.address()
      probe.close(() => resolve(found))
    })
  })
}

async function until(isSo) {
  for (const end = performance.now() + 60_000; performance.now() < end;) {
    if (await isSo().catch(() => false)) return
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
  }
  throw new Error('the server did not start')
}
