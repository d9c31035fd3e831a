import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../tests/support/process.ts'
import { peersBin } from '../environment.ts'
import { runToEnd } from '../peers.ts'
import {
  ask,
  freshFolder,
  orEnd,
  PIPELINES,
  PYTHON,
  startServer,
  until,
  untilSucceeded,
  type Contender,
  type Pipeline,
  type Start,
} from './contenders.ts'

/** An environment of a peer's own, in which nobody is told anything. */
async function grounds(peer: string, home: string, own: Readonly<Record<string, string>>) {
  const bin = await peersBin(`orchestrators-peers-${peer}.txt`)
  const out = await freshFolder(join(home, 'out'))
  const environment = {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    BENCH_OUT: out,
    DO_NOT_TRACK: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    ...own,
  }
  const serve = (command: string, ...args: string[]) =>
    startServer(join(bin, command), args, { folder: home, environment })
  const run = async (command: string, ...args: string[]) =>
    void (await runToEnd(join(bin, command), args, { folder: home, environment }))
  return { serve, run, outputs: () => out }
}

async function prefect(home: string): Promise<Contender[]> {
  const port = await freePort()
  const api = `http://127.0.0.1:${port}/api`
  const { serve, run, outputs } = await grounds('prefect', home, {
    PREFECT_HOME: join(home, 'kept'),
    PREFECT_API_URL: api,
    PREFECT_SERVER_ANALYTICS_ENABLED: 'false',
    PREFECT_CLI_PROMPT: 'false',
  })
  const flows = join(PYTHON, 'prefect_flows.py')
  const families = [serve('prefect', 'server', 'start', '--host', '127.0.0.1', '--port', `${port}`)]
  return orEnd(families, ready())

  async function ready(): Promise<Contender[]> {
    await until('Prefect', families, () => ask(`${api}/health`))
    families.push(serve('python', flows, 'serve'))
    const deployment = (name: Pipeline) =>
      until('its flows', families, () =>
        ask<{ id: string }>(`${api}/deployments/name/${name}/bench`),
      )
    for (const pipeline of PIPELINES) await deployment(pipeline)
    const served = async (pipeline: Pipeline) => {
      const { id } = await deployment(pipeline)
      const begun = await ask<{ id: string }>(`${api}/deployments/${id}/create_flow_run`, {})
      const look = async () =>
        (await ask<{ state_type: string }>(`${api}/flow_runs/${begun.id}`)).state_type
      const bad = ['FAILED', 'CRASHED', 'CANCELLED']
      await untilSucceeded(families, { good: 'COMPLETED', bad }, look)
    }
    const alone = (pipeline: Pipeline) => run('python', flows, pipeline)
    return [
      { name: 'prefect serve', kind: 'server', families, outputs, run: served },
      { name: 'prefect, the script', kind: 'command', families, outputs, run: alone },
    ]
  }
}

const LAUNCH = `mutation ($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: { selector: $selector, runConfigData: {} }) {
    __typename ... on LaunchRunSuccess { run { id } } ... on PythonError { message }
  }
}`
const PLACES = `{ repositoriesOrError {
  ... on RepositoryConnection { nodes { name location { name } } }
} }`
const STATUS = `query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }`

async function dagsterGrounds(home: string) {
  const kept = await freshFolder(join(home, 'kept'))
  await writeFile(join(kept, 'dagster.yaml'), 'telemetry: { enabled: false }\n')
  return grounds('dagster', home, { DAGSTER_HOME: kept })
}

const JOBS = join(PYTHON, 'dagster_jobs.py')

async function dagster(home: string): Promise<Contender[]> {
  const { serve, outputs } = await dagsterGrounds(home)
  const port = await freePort()
  const families = [serve('dagster', 'dev', '-f', JOBS, '-h', '127.0.0.1', '-p', `${port}`)]
  const query = async <T>(text: string, variables = {}): Promise<T> => {
    const body = { query: text, variables }
    return (await ask<{ data: T }>(`http://127.0.0.1:${port}/graphql`, body)).data
  }
  type Places = { repositoriesOrError: { nodes: { name: string; location: { name: string } }[] } }
  const place = await orEnd(
    families,
    until('Dagster', families, async () => {
      const { repositoriesOrError } = await query<Places>(PLACES)
      return repositoriesOrError.nodes[0]
    }),
  )
  const launched = async (jobName: Pipeline) => {
    const names = { repositoryName: place.name, repositoryLocationName: place.location.name }
    const selector = { ...names, jobName }
    type Launched = { launchRun: { run?: { id: string } } }
    const { launchRun } = await query<Launched>(LAUNCH, { selector })
    if (launchRun.run === undefined) throw new Error(JSON.stringify(launchRun))
    const { id } = launchRun.run
    type Status = { runOrError: { status: string } }
    const look = async () => (await query<Status>(STATUS, { id })).runOrError.status
    await untilSucceeded(families, { good: 'SUCCESS', bad: ['FAILURE', 'CANCELED'] }, look)
  }
  return [{ name: 'dagster dev', kind: 'server', families, outputs, run: launched }]
}

async function dagsterExecute(home: string): Promise<Contender[]> {
  const { run, outputs } = await dagsterGrounds(home)
  const execute = (job: Pipeline) => run('dagster', 'job', 'execute', '-f', JOBS, '-j', job)
  return [{ name: 'dagster job execute', kind: 'command', families: [], outputs, run: execute }]
}

async function airflowGrounds(home: string, port: number) {
  const url = `http://127.0.0.1:${port}`
  const logs = await Promise.all([freePort(), freePort(), freePort()])
  return grounds('airflow', home, {
    AIRFLOW_HOME: join(home, 'kept'),
    AIRFLOW__CORE__DAGS_FOLDER: PYTHON,
    AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
    AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION: 'False',
    AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS: 'True',
    AIRFLOW__CORE__EXECUTION_API_SERVER_URL: `${url}/execution/`,
    AIRFLOW__API__BASE_URL: url,
    AIRFLOW__API__HOST: '127.0.0.1',
    AIRFLOW__API__PORT: String(port),
    // Its parts have to agree on it.
    AIRFLOW__API_AUTH__JWT_SECRET: randomUUID(),
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED: 'False',
    AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT: String(logs[0]),
    AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT: String(logs[1]),
    AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT: String(logs[2]),
  })
}

async function airflow(home: string): Promise<Contender[]> {
  const port = await freePort()
  const { serve, outputs } = await airflowGrounds(home, port)
  const families = [serve('airflow', 'standalone')]
  const url = `http://127.0.0.1:${port}`
  const dags = `${url}/api/v2/dags`
  const headers = { authorization: '' }
  const known = async () => {
    const { access_token: token } = await ask<{ access_token: string }>(`${url}/auth/token`)
    headers.authorization = `Bearer ${token}`
    for (const pipeline of PIPELINES) await ask(`${dags}/${pipeline}`, undefined, headers)
    return true
  }
  await orEnd(families, until('Airflow', families, known))
  const triggered = async (pipeline: Pipeline) => {
    const runs = `${dags}/${pipeline}/dagRuns`
    const begun = await ask<{ dag_run_id: string }>(runs, { logical_date: null }, headers)
    const one = `${runs}/${encodeURIComponent(begun.dag_run_id)}`
    const look = async () => (await ask<{ state: string }>(one, undefined, headers)).state
    await untilSucceeded(families, { good: 'success', bad: ['failed'] }, look)
  }
  return [{ name: 'airflow standalone', kind: 'server', families, outputs, run: triggered }]
}

async function airflowTest(home: string): Promise<Contender[]> {
  const { run, outputs } = await airflowGrounds(home, await freePort())
  await run('airflow', 'db', 'migrate')
  const test = (dag: Pipeline) => run('airflow', 'dags', 'test', dag)
  return [{ name: 'airflow dags test', kind: 'command', families: [], outputs, run: test }]
}

/** Those that are compared with, by the names that choose them. */
export const PEERS: Readonly<Record<string, readonly Start[]>> = {
  airflow: [airflow, airflowTest],
  prefect: [prefect],
  dagster: [dagster, dagsterExecute],
}
