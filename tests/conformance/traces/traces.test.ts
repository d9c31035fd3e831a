import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test, vi } from 'vitest'
import { runPython } from '../../support/python.ts'
import { startTestServer } from '../../support/server.ts'
import { mlflowServer } from '../mlflow/mlflow-server.ts'

// As in ../mlflow: the same script drives both servers. What MLflow's own told is kept in told/; with
// ORRERY_TEST_RECORD=1 it is asked anew.

type Told = Record<string, unknown>
const HERE = import.meta.dirname
const undo: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

vi.setConfig({ testTimeout: 300_000 })

test('applications that trace with MLflow find their calls again, with what is thought of them', async () => {
  const { ours, theirs } = await toldByBoth('client')
  const { search, tags, links } = theirs as Record<string, Record<string, unknown>>
  // A link to a run that is not there is refused, where MLflow's server keeps it; and so is a tag of no trace.
  Object.assign(links as object, { 0: 'RESOURCE_DOES_NOT_EXIST' })
  Object.assign(tags as object, { 1: 'RESOURCE_DOES_NOT_EXIST' })
  Object.assign(search as object, {
    "run_id = 'nope'": [],
    // A whole number stays one, so it is found as it was told.
    "feedback.grade = '3'": ['#0'],
    // A time is no text.
    "timestamp_ms = '5'": 'INVALID_PARAMETER_VALUE',
  })
  expect(ours).toEqual(theirs)
})

test('spans of OpenTelemetry SDKs arrive, whichever way they are packed', async () => {
  const { ours, theirs } = await toldByBoth('otel')
  // Bytes are told in base64, where MLflow's server tells how Python would write them.
  const bytes = JSON.stringify(theirs).replace(/b'[^']*'/, 'AAEC')
  expect(ours).toEqual(JSON.parse(bytes))
})

test('a small body that unpacks to a huge one is refused', async () => {
  const server = await startTestServer({ bodyBytesMax: 1_000_000 })
  undo.push(server.stop)
  const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
  expect(bomb.length).toBeLessThan(100_000)
  const answer = await fetch(`${server.url}/v1/traces`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      'x-mlflow-experiment-id': '0',
    },
    body: bomb,
  })
  expect(answer.status).toBe(413)
  expect(await answer.json()).toEqual({ detail: expect.stringContaining('send less') as string })
})

test('spans that are none are told, and the others kept', async () => {
  const server = await startTestServer()
  undo.push(server.stop)
  const span = (traceId: string) => ({
    traceId,
    spanId: '01'.repeat(8),
    name: 's',
    startTimeUnixNano: '1700000000000000000',
    endTimeUnixNano: '1700000000000000000',
  })
  const spans = [span('ab'.repeat(16)), span('')]
  const answer = await fetch(`${server.url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-mlflow-experiment-id': '0' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
  })
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedSpans: '1' } })
  const read = await fetch(`${server.url}/api/3.0/mlflow/traces/tr-${'ab'.repeat(16)}`)
  expect(read.status).toBe(200)
})

/** What the script tells of a new server of ours, and what it told of MLflow's. */
async function toldByBoth(name: string): Promise<{ ours: unknown; theirs: Told }> {
  const path = join(HERE, 'told', `${name}.json`)
  if (process.env['ORRERY_TEST_RECORD'] === '1') {
    const theirs = await mlflowServer()
    undo.push(theirs.stop)
    await writeFile(path, `${JSON.stringify(await tell(name, theirs.url), null, 1)}\n`)
  }
  const server = await startTestServer()
  undo.push(server.stop)
  return {
    ours: await tell(name, server.url),
    theirs: JSON.parse(await readFile(path, 'utf8')) as Told,
  }
}

async function tell(name: string, url: string): Promise<unknown> {
  return runPython(await readFile(join(HERE, 'scripts', `${name}.py`), 'utf8'), {
    MLFLOW_TRACKING_URI: url,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: 'false',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    PYTHONWARNINGS: 'ignore',
  })
}
