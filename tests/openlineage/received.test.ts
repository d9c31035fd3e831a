import { tmpdir } from 'node:os'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'
import { dataProject, type DataProject } from '../support/data-project.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { airflowEvents, askerOf, runEvent, type Ask } from './asking.ts'

const CLEAN = '019b7c01-0400-77bd-9de3-4dbedf1d2c53'
const PUBLISH = '019b7c01-0400-776d-a619-3e8cc09298e0'
const DAG = '019b7c01-0400-7acd-9fc9-7a89c5b3dacd'

let server: TestServer
let project: DataProject
let ask: Ask
let first: string

beforeAll(async () => {
  server = await startTestServer()
  project = await dataProject('project: flights\n')
  ask = askerOf(server)
  first = await project.commitTable('data/base.parquet', 'select 1 as one', { message: 'one' })
  await ask('POST', '/projects', { origin: project.origin })
})
afterAll(async () => {
  await server.stop()
  await project.remove()
})

const tell = async (event: unknown) =>
  expect((await ask('POST', '/lineage', event)).status).toBe(201)
const node = async (name: string) =>
  (await ask('GET', `/lineage/node?node=${encodeURIComponent(name)}`)).body
const graph = async (name: string, depth = 20) =>
  (await ask('GET', `/lineage?node=${encodeURIComponent(name)}&depth=${depth}`)).body as {
    nodes: { node: string; depth: number }[]
    edges: { from: { id: string }; relation: string; to: { id: string } }[]
  }
const stepsOf = ({ edges }: Awaited<ReturnType<typeof graph>>) =>
  edges.map(({ from, relation, to }) => `${from.id} ${relation} ${to.id}`).toSorted()
const ledgerSize = async () => {
  const ready = (await (await fetch(`${server.url}/ready`)).json()) as { entries: number }
  return ready.entries
}

test('a run of Airflow is there with its parent, its error and its data, and told again it changes nothing', async () => {
  const events = airflowEvents()
  for (const event of events) await tell(event)
  const clean = await node(`run:${CLEAN}`)
  expect(clean.run).toMatchObject({
    job: { namespace: 'airflow-prod', name: 'weather.clean' },
    state: 'completed',
    started: '2026-11-21T18:35:50.765Z',
    ended: '2026-11-21T18:35:52.777Z',
    parent: { id: DAG, job: { name: 'weather' } },
    events: 2,
  })
  // Facets that nobody here knows are kept.
  expect(clean.run.facets.airflow.dag.dag_id).toBe('weather')
  const [input, output] = clean.uses
  expect(input.facets.schema.fields).toEqual([
    { name: 'station', type: 'string', fields: [] },
    { name: 'wind', type: 'double', fields: [] },
  ])
  expect(input.facets.dataQualityMetrics).toMatchObject({ rowCount: 744 })
  expect(output.facets.columnLineage.fields.wind_speed.inputFields).toMatchObject([
    { namespace: 's3://weather-lake', field: 'wind' },
  ])
  const failed = await node(`run:${PUBLISH}`)
  expect(failed.run).toMatchObject({ state: 'failed', error: 'the lake is closed' })
  expect((await node(`run:${DAG}`)).run).toMatchObject({ state: 'failed', events: 1 })

  const before = [await ledgerSize(), await node(`run:${CLEAN}`)]
  for (const event of events.toReversed()) await tell(event)
  expect([await ledgerSize(), await node(`run:${CLEAN}`)]).toEqual(before)
})

test('the graph leads from data of ours over the run elsewhere to what it read, as deep as is asked', async () => {
  const home = 'dataset:orrery://flights:data/weather.csv'
  const whole = await graph(home)
  const steps = [
    `${CLEAN} part-of ${DAG}`,
    `${CLEAN} read s3://weather-lake:raw/2024-01.csv`,
    `orrery://flights:data/weather.csv made-by ${CLEAN}`,
  ]
  expect(stepsOf(whole)).toEqual(steps)
  expect(stepsOf(await graph(`run:${CLEAN}`, 1))).toEqual(steps)
  expect((await graph(home, 1)).nodes).toHaveLength(2)
  expect(stepsOf(await graph('job:airflow-prod:weather.clean'))).toEqual(steps)
})

test('what it wrote leads to the version that the project tracks next, and what it read to the one that was there', async () => {
  const md5 = await project.commitTable('data/weather.csv', 'select 2 as two', { message: 'two' })
  await ask('POST', '/projects/flights/sync', {})
  const version = `dataset-version:flights/data/weather.csv@${md5}`
  await expect
    .poll(async () => stepsOf(await graph(version)))
    .toContain(`flights/data/weather.csv@${md5} made-by ${CLEAN}`)

  const run = '0190a000-0000-7000-8000-0000000000aa'
  const inputs = [
    { namespace: 'file', name: `${project.origin}/data/base.parquet` },
    { namespace: 's3://lake', name: `dvc/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}` },
    { namespace: 'file', name: '/elsewhere/base.parquet' },
  ]
  const late = new Date(Date.now() + 1000).toISOString()
  await tell(runEvent({ run: { runId: run }, eventTime: late, inputs }))
  expect(stepsOf(await graph(`run:${run}`, 1))).toEqual([
    `${run} read file:/elsewhere/base.parquet`,
    `${run} read flights/data/base.parquet@${first}`,
    `${run} read flights/data/weather.csv@${md5}`,
  ])
})

test('events fold to the same run in whatever order they come', async () => {
  const at = (second: number) => `2026-01-01T00:00:0${second}Z`
  const facet = (value: number) => ({
    custom: { _producer: 'https://example.org', _schemaURL: 'https://example.org/x.json', value },
  })
  const story = (run: { runId: string; facets?: unknown }) => [
    runEvent({ run: { ...run, facets: facet(1) }, eventTime: at(1) }),
    runEvent({ run: { ...run, facets: facet(2) }, eventTime: at(2), eventType: 'RUNNING' }),
    runEvent({ run, eventTime: at(3), eventType: 'FAIL' }),
    runEvent({ run, eventTime: at(4), eventType: 'COMPLETE' }),
    runEvent({ run, eventTime: at(5), eventType: 'RUNNING' }),
    runEvent({ run, eventTime: at(6), eventType: undefined }),
  ]
  const orders = [
    [0, 1, 2, 3, 4, 5],
    [5, 4, 3, 2, 1, 0],
    [3, 0, 5, 1, 4, 2],
  ]
  const folded = []
  for (const [number, order] of orders.entries()) {
    const runId = `0190a000-0000-7000-8000-00000000010${number}`
    for (const which of order) await tell(story({ runId })[which])
    const { id, ...run } = (await node(`run:${runId}`)).run
    expect(id).toBe(runId)
    folded.push(run)
  }
  expect(folded[0]).toMatchObject({
    state: 'completed',
    started: '2026-01-01T00:00:01.000Z',
    ended: '2026-01-01T00:00:04.000Z',
    last: '2026-01-01T00:00:06.000Z',
    facets: { custom: { value: 2 } },
  })
  expect(folded).toEqual([folded[0], folded[0], folded[0]])
})

test('dataset events and job events tell of things without a run', async () => {
  const { run: _, job, eventType: __, ...frame } = runEvent()
  const documentation = { _producer: 'https://a.b', _schemaURL: 'https://a.b/c', description: 'x' }
  const name = { namespace: 'postgres://db:5432', name: 'shop.public.orders' }
  await tell({ ...frame, dataset: { ...name, facets: { documentation } } })
  await tell({ ...frame, job: { ...(job as object), name: 'design' }, inputs: [name] })
  const dataset = await node('dataset:postgres://db:5432:shop.public.orders')
  expect(dataset.dataset).toMatchObject({ ...name, facets: { documentation } })
  expect(await node('job:tests:design')).toMatchObject({ job: { inputs: [name] }, runs: [] })
  const deleted = { ...documentation, _deleted: true }
  const later = { ...frame, eventTime: '2027-01-01T00:00:00Z' }
  await tell({ ...later, dataset: { ...name, facets: { documentation: deleted } } })
  expect((await node('dataset:postgres://db:5432:shop.public.orders')).dataset.facets).toEqual({})
})

test('a batch takes what is right and says what is not', async () => {
  const good = runEvent({ run: { runId: '0190a000-0000-7000-8000-0000000000b1' } })
  const { status, body } = await ask('POST', '/lineage/batch', [good, { ...good, run: {} }, good])
  expect([status, body]).toEqual([
    200,
    {
      status: 'partial_success',
      summary: { received: 3, successful: 2, failed: 1, retriable: 0, non_retriable: 1 },
      failed_events: [{ index: 1, reason: 'run.runId is missing', retriable: false }],
    },
  ])
})

test.each([
  ['no time', { eventTime: undefined }, 'eventTime is missing'],
  ['a day that is none', { eventTime: '2026-13-41T00:00:00Z' }, 'must be a time with its zone'],
  ['a time without a zone', { eventTime: '2026-01-01T00:00:00' }, 'must be a time with its zone'],
  ['no producer', { producer: undefined }, 'producer is missing'],
  ['a schema that is no URI', { schemaURL: 'x' }, 'schemaURL is "x"; it must be a URI'],
  ['an unknown type', { eventType: 'toString' }, 'must be one of START, RUNNING'],
  ['a run without a UUID', { run: { runId: '../../etc' } }, 'it must be a UUID'],
  ['no job', { job: undefined }, 'job is missing'],
  ['a name with a zero', { job: { namespace: 'a', name: 'b\0c' } }, 'no control characters'],
  ['a long name', { job: { namespace: 'a', name: 'x'.repeat(5000) } }, 'at most 4096'],
  ['inputs that are no list', { inputs: {} }, 'must be a list of datasets'],
  ['an input without a name', { inputs: [{ namespace: 'a' }] }, 'inputs[0].name is missing'],
  [
    'too many inputs',
    { inputs: Array.from({ length: 2001 }, () => ({ namespace: 'a', name: 'b' })) },
    'at most 2000',
  ],
  [
    'a facet that is a text',
    { run: { runId: '0190a000-0000-7000-8000-0000000000c1', facets: { a: 'b' } } },
    'run.facets.a is "b"',
  ],
  ['neither run, job nor dataset', { run: undefined, job: undefined }, 'has neither'],
])('an event with %s is refused with what is wrong', async (_, more, words) => {
  const size = await ledgerSize()
  const { status, body } = await ask('POST', '/lineage', runEvent(more))
  expect([status, body.detail]).toEqual([400, expect.stringContaining(words)])
  expect(await ledgerSize()).toBe(size)
})

test('bodies that are no events, huge, deep or packed bombs are refused, and packed events are read', async () => {
  const post = async (body: string | Uint8Array<ArrayBuffer>, headers = {}) => {
    const url = `${server.url}/api/v1/lineage`
    return (await fetch(url, { method: 'POST', body, headers })).status
  }
  const gzip = { 'content-encoding': 'gzip' }
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
  expect(await post('{')).toBe(400)
  expect(await post('[]')).toBe(400)
  expect(await post('null')).toBe(400)
  expect(await post(deep)).toBe(400)
  expect(await post(JSON.stringify({ a: 'x'.repeat(9 * 1024 ** 2) }))).toBe(413)
  expect(await post(gzipSync(Buffer.alloc(64 * 1024 ** 2, ' ')), gzip)).toBeGreaterThan(399)
  const names = { namespace: 'n'.repeat(1024), name: '\u{1f9ff}'.repeat(2000) }
  const runId = '0190a000-0000-7000-8000-0000000000d1'
  const many = Array.from({ length: 300 }, (__, at) => ({ ...names, name: `${names.name}${at}` }))
  const large = runEvent({ run: { runId }, job: names, inputs: many })
  expect(await post(gzipSync(JSON.stringify(large)), gzip)).toBe(201)
  expect((await node(`run:${runId}`)).uses).toHaveLength(300)
})

test('lists give pages, and the command line shows them', async () => {
  const one = (await ask('GET', '/lineage/runs?limit=2')).body
  const two = (await ask('GET', `/lineage/runs?limit=2&before=${one.next}`)).body
  const ids = [...one.runs, ...two.runs].map(({ id }: { id: string }) => id)
  expect(new Set(ids).size).toBe(4)
  const failed = (await ask('GET', '/lineage/runs?state=failed')).body.runs as { id: string }[]
  expect(failed.map(({ id }) => id).toSorted()).toEqual([PUBLISH, DAG].toSorted())
  const run = async (...args: string[]) => {
    const done = await runCommand(tmpdir(), ['lineage', ...args, '--url', server.url])
    return { code: done.code, said: done.out + done.err }
  }
  expect((await run('runs', '--limit', '100')).said).toContain(`${PUBLISH}  failed`)
  expect((await run('jobs', '--namespace', 'airflow-prod')).said).toContain(
    'airflow-prod:weather.clean',
  )
  expect((await run('datasets', '--namespace', 'orrery://flights')).said).toContain(
    'data/weather.csv of flights',
  )
  const shown = await run('show', `run:${CLEAN}`)
  expect(shown.said).toContain('part of airflow-prod:weather')
  expect(shown.said).toContain(
    `external-run:${CLEAN} read dataset:s3://weather-lake:raw/2024-01.csv`,
  )
  expect(JSON.parse((await run('show', `run:${CLEAN}`, '--json')).said)).toMatchObject({
    kind: 'run',
  })
  expect(await run('show', 'job:airflow-prod:nothing')).toMatchObject({
    code: 2,
    said: expect.stringContaining('no job airflow-prod:nothing is known') as string,
  })
})
