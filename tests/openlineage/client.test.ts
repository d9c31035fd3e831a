import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dataProject, type DataProject } from '../support/data-project.ts'
import { pythonBin } from '../support/python.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startReceiver, type Receiver } from '../webhooks/receiver.ts'
import { askerOf, type Answer, type Ask } from './asking.ts'

const PYTHON = fileURLToPath(new URL('client.py', import.meta.url))
const SPEC = fileURLToPath(new URL('spec', import.meta.url))

let server: TestServer
let receiver: Receiver
let project: DataProject
let ask: Ask

beforeAll(async () => {
  server = await startTestServer({ webhookSchemes: 'https,http', webhookAllowPrivate: true })
  receiver = await startReceiver()
  ask = askerOf(server)
  project = await dataProject('project: flights\n')
  await project.commitTable('data/raw.parquet', 'select 1 as one', { message: 'one' })
  await ask('POST', '/projects', { origin: project.origin })
})
afterAll(async () => {
  await server.stop()
  await receiver.stop()
  await project.remove()
})

async function python(...args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(join(pythonBin(), 'python'), [PYTHON, ...args])
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
}

test('the real client posts run, job and dataset events, plain and packed, and each counts once', async () => {
  const { run } = await python('post', server.url)
  const { body } = await ask('GET', `/lineage/node?node=run:${String(run)}`)
  expect(body).toMatchObject({
    run: { state: 'completed', events: 2, job: { namespace: 'client', name: 'job' } },
    uses: [
      { role: 'input', facets: { schema: { fields: [{ name: 'a', type: 'int' }] } } },
      { role: 'output' },
    ],
  })
})

const DATA = { path: 'data/raw.parquet', md5: '0'.repeat(32), sizeBytes: 5 }
const MADE = { path: 'model', md5: `${'1'.repeat(32)}.dir`, sizeBytes: 7, files: 2 }

const GOOD = '01JX0000000000000000000001'
const BAD = '01JX0000000000000000000002'

async function runPipeline(id: string, outcome: 'succeeded' | 'failed'): Promise<void> {
  const commit = 'c'.repeat(40)
  const post = async (path: string, body: unknown) => {
    const answer = await ask('POST', `/pipeline-runs${path}`, body)
    if (answer.status >= 300) throw new Error(JSON.stringify(answer.body))
  }
  const start = { id, project: 'flights', commit, dirty: false, branch: 'main', stages: ['train'] }
  await post('', start)
  const stage = { stage: 'train', command: 'python train.py', params: {}, environment: null }
  await post(`/${id}/stages`, { ...stage, deps: [DATA] })
  const reason = outcome === 'failed' ? 'train.py ended with 1' : null
  const end = { outcome, reason, outs: [MADE], metrics: {}, logTail: '' }
  await post(`/${id}/stages/train/finish`, end)
  await post(`/${id}/finish`, { outcome, reason, lockDigest: null })
}

test('each pipeline run and stage run is told in order, as the client and the specification have it', async () => {
  const added = await ask('POST', '/webhooks', {
    name: 'marquez',
    url: `${receiver.url}/api/v1/lineage`,
    events: ['*'],
    dialect: 'openlineage',
    secret: 'the-key',
  })
  expect([added.status, added.body.secret]).toEqual([201, null])
  await runPipeline(GOOD, 'succeeded')
  await runPipeline(BAD, 'failed')
  const received = await receiver.until(8)
  expect(received[0]).toMatchObject({
    path: '/api/v1/lineage',
    headers: { authorization: 'Bearer the-key', 'content-type': 'application/json' },
  })
  const events = received.map(({ body }): Answer['body'] => JSON.parse(body))
  const story = (pipelineRun: string) =>
    events
      .filter((each) => each.run.facets.orrery_run.pipelineRun === pipelineRun)
      .map((each) => `${each.eventType} ${each.job.name}`)
  const ended = (word: string) => [
    'START flights',
    'START flights.train',
    `${word} flights.train`,
    `${word} flights`,
  ]
  expect(story(GOOD)).toEqual(ended('COMPLETE'))
  expect(story(BAD)).toEqual(ended('FAIL'))
  const [, started, completed] = events
  expect(completed).toMatchObject({
    inputs: [
      {
        namespace: 'orrery://flights',
        name: DATA.path,
        facets: { version: { datasetVersion: DATA.md5 } },
      },
    ],
    outputs: [{ name: 'model', outputFacets: { outputStatistics: { size: 7, fileCount: 2 } } }],
    job: { facets: { sourceCodeLocation: { version: 'c'.repeat(40), branch: 'main' } } },
    run: { runId: started.run.runId, facets: { parent: { run: { runId: events[0].run.runId } } } },
  })
  expect(events.find((each) => each.eventType === 'FAIL').run.facets.errorMessage.message).toBe(
    'train.py ended with 1',
  )

  const folder = await mkdtemp(join(tmpdir(), 'orrery-told-'))
  await writeFile(join(folder, 'events.json'), JSON.stringify(events))
  const checked = await python('check', join(folder, 'events.json'), SPEC)
  await rm(folder, { recursive: true })
  expect(checked).toMatchObject({ errors: [], count: 8 })
  expect(checked['seen']).toHaveLength(9)

  // What was sent can be taken: ours have names that lead back to the same data.
  for (const event of events) expect((await ask('POST', '/lineage', event)).status).toBe(201)
  const { body } = await ask('GET', `/lineage/node?node=run:${String(started.run.runId)}`)
  expect(body.uses[0].home).toEqual({ project: 'flights', path: DATA.path })
})

test('words that never come and a key where it has no use are refused', async () => {
  const add = (more: Record<string, unknown>) =>
    ask('POST', '/webhooks', { name: 'x', url: receiver.url, events: ['*'], ...more })
  const wrong = await add({ dialect: 'openlineage', events: ['model-*'] })
  expect([wrong.status, wrong.body.detail]).toEqual([400, expect.stringContaining('"pipeline"')])
  const keyed = await add({ secret: 'x' })
  expect([keyed.status, keyed.body.detail]).toEqual([400, expect.stringContaining('made here')])
})
