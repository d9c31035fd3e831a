import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { openPythonHost, type PythonHost } from '../../support/python-host.ts'
import { mlflow2Bin, runPython } from '../../support/python.ts'
import { startTestServer } from '../../support/server.ts'
import { mlflowServer } from './mlflow-server.ts'

// Each script drives a server with the unmodified client and tells what it saw. What MLflow's own server
// tells by the same script is kept in told/; with ORRERY_TEST_RECORD=1 it is asked anew.

type Told = Record<string, unknown>
const HERE = import.meta.dirname
const QUIET = {
  // An error of the server has to show, not to be tried again for minutes.
  MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
  MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: 'false',
  MLFLOW_DISABLE_TELEMETRY: 'true',
  PYTHONWARNINGS: 'ignore',
}
const undo: (() => Promise<void>)[] = []
let client3: PythonHost

beforeAll(async () => {
  client3 = await openPythonHost({
    imports: ['mlflow', 'mlflow.sklearn', 'pandas', 'sklearn.linear_model'],
    environment: QUIET,
  })
})
afterAll(() => client3.end())
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

// Clients take their time to start where processors are shared.
vi.setConfig({ testTimeout: 300_000 })

test('training code logs runs, params, metrics, tags and inputs, and reads them back', async () => {
  const { ours, theirs } = await toldByBoth('fluent')
  expect(ours).toEqual(theirs)
})

test('autolog tells params, metrics, data, plots and the model of a fit', async () => {
  const { ours, theirs } = await toldByBoth('autolog')
  expect(ours).toEqual(theirs)
})

test('autolog of XGBoost and LightGBM leaves the same runs, histories, data and models', async () => {
  const { ours, theirs } = await toldByBoth('boosting')
  expect(ours).toEqual(theirs)
})

test('a client of MLflow 2 finds all that it knows', async () => {
  const { ours, theirs } = await toldByBoth('client2', mlflow2Bin())
  expect(ours).toEqual(theirs)
})

test('models are logged, registered, named, and loaded by every kind of address', async () => {
  const { ours, theirs } = await toldByBoth('models')
  expect(ours).toEqual(theirs)
})

test('runs and experiments are found by filter, in order and in pages', async () => {
  const { ours, theirs } = await toldByBoth('search')
  // MLflow's server takes its own refusal for a bug here.
  theirs["order ['metrics.auc', 'metrics.auc DESC']"] = 'INVALID_PARAMETER_VALUE'
  expect(ours).toEqual(theirs)
})

test('files of any name and size go up and come back whole', async () => {
  const { ours, theirs } = await toldByBoth('artifacts')
  expect(ours).toEqual(theirs)
})

test('the registry keeps models, versions, stages, aliases, tags and prompts', async () => {
  const { ours, theirs } = await toldByBoth('registry')
  // A logged model that is not there is told as such, rather than as a wrong parameter.
  ;(theirs['sources'] as string[])[5] = 'RESOURCE_DOES_NOT_EXIST'
  expect(ours).toEqual(theirs)
})

test('what is deleted and restored is found as with MLflow', async () => {
  const { ours, theirs } = await toldByBoth('deletion')
  expect(ours).toEqual(theirs)
})

test('what is wrong is refused with the code that clients know, and leaves no trace', async () => {
  const { ours, theirs } = await toldByBoth('errors')
  // A status that does not exist is a mistake, and camelCase is protobuf's other spelling of a field.
  const { run, log, http, artifacts, kept } = theirs as Record<string, Told>
  Object.assign(run as Told, { 'bad status': [400, 'INVALID_PARAMETER_VALUE'] })
  Object.assign(log as Told, {
    'camel case': [200, null],
    'dataset without digest': [400, 'INVALID_PARAMETER_VALUE'],
  })
  Object.assign(http as Told, { 'unknown endpoint': [404, 'ENDPOINT_NOT_FOUND'] })
  Object.assign(artifacts as Told, { climbing: [400, 400, 400, 400] })
  Object.assign((kept as unknown as Told[])[0] as Told, { camel: '1' })
  expect(ours).toEqual(theirs)
})

test('code that finds its run in the environment logs into that run', async () => {
  const url = await orrery()
  const made = await fetch(`${url}/api/2.0/mlflow/runs/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ experiment_id: '0', run_name: 'stage' }),
  })
  const { run } = (await made.json()) as { run: { info: { run_id: string } } }
  const runId = run.info.run_id
  expect(await tell('given_run', { MLFLOW_TRACKING_URI: url, MLFLOW_RUN_ID: runId })).toEqual({
    same: true,
  })
  const read = await fetch(`${url}/api/2.0/mlflow/runs/get?run_id=${runId}`)
  expect(await read.json()).toMatchObject({
    run: {
      info: { run_name: 'stage', status: 'FINISHED' },
      data: { metrics: [{ key: 'auc', value: 0.8 }], params: [{ key: 'depth', value: '4' }] },
    },
  })
})

/** What the script tells of a new server of ours, and what it told of MLflow's. */
async function toldByBoth(name: string, bin?: string): Promise<{ ours: unknown; theirs: Told }> {
  const path = join(HERE, 'told', `${name}.json`)
  if (process.env['ORRERY_TEST_RECORD'] === '1') {
    const { url, stop } = await mlflowServer()
    undo.push(stop)
    const recorded = await tell(name, { MLFLOW_TRACKING_URI: url }, bin)
    await writeFile(path, `${JSON.stringify(recorded, null, 1)}\n`)
  }
  return {
    ours: await tell(name, { MLFLOW_TRACKING_URI: await orrery() }, bin),
    theirs: JSON.parse(await readFile(path, 'utf8')) as Told,
  }
}

async function tell(
  name: string,
  environment: Record<string, string>,
  bin?: string,
): Promise<unknown> {
  const script = await readFile(join(HERE, 'scripts', `${name}.py`), 'utf8')
  return bin === undefined
    ? client3.run(script, environment)
    : runPython(script, { ...QUIET, ...environment }, bin)
}

async function orrery(): Promise<string> {
  const server = await startTestServer()
  undo.push(server.stop)
  return server.url
}
