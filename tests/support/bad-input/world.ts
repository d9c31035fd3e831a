import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { filesOfModel, FLIGHTS } from '../models.ts'
import { freePort } from '../process.ts'
import { startTestServer } from '../server.ts'

const MLFLOW = '/api/2.0/mlflow'
const PATIENCE_MS = 60_000

export const MODEL = 'flights-late'
export const PROJECT = 'asked-badly'
/** Is tracked, and its bytes are nowhere. */
export const DATA = { path: 'rows.csv', version: '0'.repeat(32) }
export const STORE = 'asked'
/** Does nothing by itself. */
export const POLICY = 'by-hand'
/** Hears of nothing by itself. */
export const DESTINATION = 'nobody-listens'
/** Has a pipeline of one stage. */
const RUNS = 'asked-to-run'
/** Serves version 1 of the model. */
export const LIVE = 'late'
/** Is declared, but its alias points nowhere. */
export const WAITING = 'early'

const CONFIG = `project: ${PROJECT}
models:
  ${MODEL}:
    aliases: { champion: { protected: true } }
endpoints:
  ${LIVE}:
    model: models:/${MODEL}/1
    monitor: { window: { size: 1h, by: at }, key: id, label: late, settle: 1h, min_samples: 10 }
  ${WAITING}:
    model: models:/${MODEL}@champion
policies:
  ${POLICY}: { on: [manual], run: train }
alerts:
  destinations:
    ${DESTINATION}: { webhook: { url: 'https://127.0.0.1:9/', secret: nothing } }
  routes: [{ match: { project: no-such-project }, to: [${DESTINATION}] }]
`

/** Names of things that are there, to be asked about in the wrong way. */
export interface Things {
  readonly experiment: string
  readonly run: string
  readonly view: string
  readonly loggedModel: string
  readonly source: string
  readonly folder: string
  readonly origin: string
  readonly pipelineRun: string
  readonly runRequest: string
  readonly backfill: string
  readonly prediction: string
  readonly webhook: string
  readonly delivery: string
  readonly storeToken: string
  readonly trace: string
  readonly assessment: string
  readonly dataset: string
  readonly mlflowWebhook: string
}

export interface World {
  readonly url: string
  /** Where the serving plane listens. */
  readonly planeUrl: string
  readonly home: string
  readonly things: Things
  stop(how?: { keepHome: boolean }): Promise<void>
}

/** A server that has one of everything. */
export async function startWorld(): Promise<World> {
  // Nothing listens there, so that a message goes nowhere.
  const servingPort = await freePort()
  const server = await startTestServer({ webhookAllowPrivate: true, servingPort })
  const origin = await mkdtemp(join(tmpdir(), 'orrery-origin-'))
  const ask = asker(server.url)
  const { experiment_id: experiment } = await ask('POST', `${MLFLOW}/experiments/create`, {
    name: 'asked',
  })
  const { run } = await ask('POST', `${MLFLOW}/runs/create`, { experiment_id: experiment })
  const { run_id, artifact_uri } = run.info
  await ask('POST', `${MLFLOW}/runs/log-metric`, { run_id, key: 'loss', value: 1, timestamp: 1 })
  const view = await ask('POST', '/api/v1/views', { name: 'asked' })
  const source = `${artifact_uri}/model`
  const folder = source.replace(/^mlflow-artifacts:\/*/, '')
  for (const [file, bytes] of await filesOfModel(FLIGHTS))
    await ask('PUT', `/api/2.0/mlflow-artifacts/artifacts/${folder}/${file}`, bytes)
  await ask('POST', `${MLFLOW}/registered-models/create`, { name: MODEL })
  await ask('POST', `${MLFLOW}/model-versions/create`, { name: MODEL, source, run_id })
  const { model } = await ask('POST', `${MLFLOW}/logged-models`, { experiment_id: experiment })
  const runs = await mkdtemp(join(tmpdir(), 'orrery-origin-'))
  for (const [place, files] of [
    [origin, FILES],
    [runs, FILES_OF_RUNS],
  ] as const) {
    await writeOrigin(place, files)
    await ask('POST', '/api/v1/projects', { origin: place })
  }
  await served(ask)
  const { predictions } = await ask('POST', `/api/v1/endpoints/${LIVE}/predictions`, {
    records: [{ carrier: 'AA', hour: 9, distance: 500, id: 'a', at: '2024-01-01T00:00:00Z' }],
  })
  const webhook = await ask('POST', '/api/v1/webhooks', {
    name: 'asked',
    url: 'https://127.0.0.1:9/',
    events: ['never-happens'],
  })
  const trace = `tr-${'ab'.repeat(16)}`
  await sendSpan(server.url, { trace, experiment })
  const said = await ask('POST', `/api/v1/traces/${trace}/feedback`, { name: 'good', value: true })
  return {
    url: server.url,
    planeUrl: `http://127.0.0.1:${servingPort}`,
    home: server.home,
    things: {
      experiment,
      run: run_id,
      view: view.id,
      loggedModel: model.info.model_id,
      source,
      folder,
      origin,
      ...(await thingsOfRuns(ask)),
      prediction: predictions[0].id,
      webhook: webhook.id,
      storeToken: await tokenOfStore(ask),
      trace,
      assessment: said.id,
      ...(await thingsOfMlflow(ask)),
      delivery: `msg_${webhook.id}_0`,
    },
    stop: async (how) => {
      await server.stop(how)
      for (const each of [origin, runs]) await rm(each, { recursive: true, force: true })
    },
  }
}

async function tokenOfStore(ask: Ask): Promise<string> {
  await ask('POST', '/api/v1/data-stores', { name: STORE })
  const token = { name: 'asked', access: 'read' }
  return (await ask('POST', `/api/v1/data-stores/${STORE}/tokens`, token)).id
}

/** A pipeline run that goes on elsewhere; a run of the server and a backfill, both of which are over. */
async function thingsOfRuns(
  ask: Ask,
): Promise<Pick<Things, 'pipelineRun' | 'runRequest' | 'backfill'>> {
  const { pipelineRunId: pipelineRun } = await ask('POST', '/api/v1/pipeline-runs', {
    project: PROJECT,
    commit: null,
    dirty: false,
    branch: null,
    stages: ['train'],
  })
  const { id: runRequest } = await ask('POST', '/api/v1/run-requests', { project: RUNS })
  const range = { project: RUNS, from: '2024-01-01', to: '2024-01-01' }
  const { id: backfill } = await ask('POST', '/api/v1/backfills', range)
  for (const path of [`run-requests/${runRequest}`, `backfills/${backfill}`]) await over(ask, path)
  return { pipelineRun, runRequest, backfill }
}

async function over(ask: Ask, path: string): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; ;) {
    const { state, ended } = await ask('GET', `/api/v1/${path}`)
    if (ended !== null) return
    if (performance.now() > deadline) throw new Error(`${path} does not end: ${state}`)
    await sleep(50)
  }
}

/** What MLflow's own routes make and nothing else. */
async function thingsOfMlflow(ask: Ask): Promise<Pick<Things, 'dataset' | 'mlflowWebhook'>> {
  const { webhook } = await ask('POST', `${MLFLOW}/webhooks`, {
    name: 'asked-too',
    url: 'https://127.0.0.1:9/',
    events: [{ entity: 'PROMPT', action: 'CREATED' }],
    status: 'DISABLED',
  })
  const { dataset } = await ask('POST', '/api/3.0/mlflow/datasets/create', { name: 'asked' })
  return { dataset: dataset.dataset_id, mlflowWebhook: webhook.webhook_id }
}

async function sendSpan(url: string, { trace, experiment }: { trace: string; experiment: string }) {
  const spans = [{ traceId: trace.slice(3), spanId: '01'.repeat(8), name: 'asked' }]
  const headers = { 'content-type': 'application/json', 'x-mlflow-experiment-id': experiment }
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
  await fetch(`${url}/v1/traces`, { method: 'POST', headers, body })
}

// oxlint-disable-next-line typescript/no-explicit-any -- answers to requests of this file alone
type Ask = (method: string, path: string, body?: unknown) => Promise<any>

export function asker(url: string): Ask {
  return async (method, path, body) => {
    const bytes = Buffer.isBuffer(body)
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: bytes || body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: bytes ? new Uint8Array(body) : JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${text}`)
    return JSON.parse(text === '' ? 'null' : text) as unknown
  }
}

const FILES = {
  'orrery.yaml': CONFIG,
  [`${DATA.path}.dvc`]: `outs:\n- md5: '${DATA.version}'\n  size: 12\n  hash: md5\n  path: ${DATA.path}\n`,
}
const FILES_OF_RUNS = {
  'orrery.yaml': `project: ${RUNS}\n`,
  '.dvc/config': '',
  'report.xml': '<testsuite name="rows"><testcase name="no nulls"/></testsuite>',
  'dvc.yaml':
    'stages:\n  train: { cmd: echo trained, meta: { hermetic: false, junit: report.xml } }\n',
}

async function writeOrigin(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args], {
      cwd: folder,
    })
  git('init', '--quiet', '--initial-branch=main')
  git('add', '.')
  git('commit', '--quiet', '--message', 'The project')
}

async function served(ask: Ask): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; ;) {
    const { endpoints } = await ask('GET', '/api/v1/endpoints')
    const states = endpoints.map(({ name, state }: Record<string, string>) => `${name} ${state}`)
    if (states.includes(`${LIVE} ready`) && states.length === 2) return
    if (performance.now() > deadline) throw new Error(`${LIVE} does not serve: ${states.join()}`)
    await sleep(50)
  }
}
