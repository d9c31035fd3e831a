import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { runPython } from '../../support/python.ts'
import { startTestServer } from '../../support/server.ts'
import { mlflowServer } from '../mlflow/mlflow-server.ts'

// As in ../mlflow: what MLflow's own server tells by the same script is kept in told/.

const HERE = import.meta.dirname
type Told = Record<string, Record<string, unknown>>
const undo: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

vi.setConfig({ testTimeout: 300_000 })

test('evaluation datasets and scorers are made, searched, merged and deleted by their client', async () => {
  const path = join(HERE, 'told', 'evaluation.json')
  if (process.env['ORRERY_TEST_RECORD'] === '1') {
    const { url, stop } = await mlflowServer()
    undo.push(stop)
    await writeFile(path, `${JSON.stringify(await tell(url), null, 1)}\n`)
  }
  const server = await startTestServer()
  undo.push(() => server.stop())
  const theirs = JSON.parse(await readFile(path, 'utf8')) as Told
  // What is not there is told as such, a name may stand in backticks as everywhere, and names are not greater than others.
  Object.assign(theirs['refused'] ?? {}, { 'records of absent': [404, 'RESOURCE_DOES_NOT_EXIST'] })
  Object.assign(theirs['search'] ?? {}, { "tags.`team` = 'other'": ['questions'] })
  const refusals = theirs['search']?.['refused'] as unknown[]
  refusals[1] = [400, 'INVALID_PARAMETER_VALUE']
  expect(await tell(server.url)).toEqual(theirs)
})

async function tell(url: string): Promise<unknown> {
  return runPython(await readFile(join(HERE, 'scripts', 'evaluation.py'), 'utf8'), {
    MLFLOW_TRACKING_URI: url,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    PYTHONWARNINGS: 'ignore',
  })
}
