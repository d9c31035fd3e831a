import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { loopsProject, rolloutsAt, type Person } from '../support/rollouts.ts'

// What is told to those who watch is held against what was really sent.

let server: TestServer
let person: Person
let project: { origin: string; remove(): Promise<void> }
let plane: string

interface Asking {
  addresses: { http: string; grpc: string }
  sample: { isExample: boolean }
  ways: { protocol: string; url: string; body: string }[]
}

beforeAll(async () => {
  project = await loopsProject('{ steps: [100], every: 1s, min_samples: 5 }')
  server = await startTestServer()
  person = rolloutsAt(() => server.url)
  await person.createModel()
  await person.point(await person.register('loop.onnx'))
  await person.ask('POST', '/api/v1/projects', { origin: project.origin })
  await person.serves()
  plane = (await person.ask<Asking>('GET', '/api/v1/endpoints/loops/asking')).addresses.http
}, 60_000)

afterAll(async () => {
  await server.stop()
  await project.remove()
})

test('counts equal what was sent, by endpoint, version and protocol', async () => {
  const before = await scrape(`${server.url}/metrics`)
  for (let n = 0; n < 7; n++) expect(await invoke(2)).toBe(200)
  expect(await invoke(1, { dataframe_records: [{ rounds: 'many' }] })).toBe(400)
  const nobody = bodyOf({ dataframe_records: [{ rounds: 1 }] })
  expect((await fetch(`${plane}/endpoints/nobody/invocations`, nobody)).status).toBe(404)
  const after = await scrape(`${server.url}/metrics`)
  const grown = (name: string, labels: Record<string, string>) =>
    valueOf(after, name, labels) - valueOf(before, name, labels)
  const asked = { endpoint: 'loops', revision: '1', model_version: 'loops/1', protocol: 'mlflow' }
  expect(grown('orrery_requests_total', asked)).toBe(7)
  expect(grown('orrery_rows_total', asked)).toBe(14)
  expect(grown('orrery_request_duration_seconds_count', asked)).toBe(7)
  expect(grown('orrery_request_duration_seconds_bucket', { ...asked, le: '+Inf' })).toBe(7)
  const refused = { endpoint: 'loops', protocol: 'mlflow', kind: 'invalid' }
  expect(grown('orrery_request_errors_total', refused)).toBe(1)
  expect(grown('orrery_request_errors_total', { endpoint: '', kind: 'not-found' })).toBe(1)
  expect(grown('orrery_http_responses_total', { code: '400' })).toBe(1)
  expect(grown('orrery_model_duration_seconds_count', { endpoint: 'loops', role: 'live' })).toBe(7)
  expect(grown('orrery_batch_rows_sum', { endpoint: 'loops', role: 'live' })).toBe(14)
  expect(valueOf(after, 'orrery_journal_written_bytes_total', {})).toBeGreaterThan(0)
  expect(valueOf(after, 'orrery_plane_up', {})).toBe(1)
  expect(
    valueOf(after, 'orrery_model_process_resident_memory_bytes', { process: 'loops/1' }),
  ).toBeGreaterThan(1e6)
})

test('each port and each place tells the same, in both formats', async () => {
  const texts = await Promise.all(
    [`${server.url}/metrics`, `${plane}/metrics`, `${plane}/monitoring/prometheus/metrics`].map(
      async (url) => (await scrape(url)).filter(({ name }) => name === 'orrery_requests_total'),
    ),
  )
  expect(texts[0]?.length).toBeGreaterThan(0)
  expect(texts[1]).toEqual(texts[0])
  expect(texts[2]).toEqual(texts[0])
  const open = await fetch(`${plane}/metrics`, {
    headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
  })
  expect(open.headers.get('content-type')).toContain('application/openmetrics-text; version=1.0.0')
  const text = await open.text()
  expect(text).toMatch(/# TYPE orrery_requests counter/)
  expect(text.endsWith('# EOF\n')).toBe(true)
})

test('an endpoint tells how it is asked, and answers as it tells, in every protocol', async () => {
  const { ways } = await person.ask<Asking>('GET', '/api/v1/endpoints/loops/asking')
  expect(ways.map(({ protocol }) => protocol)).toEqual([
    'MLflow',
    'Open Inference',
    'TensorFlow Serving',
  ])
  for (const { url, body } of ways) {
    const answer = await fetch(url, { ...bodyOf({}), body })
    expect(answer.status, `${url} ${body} ${await answer.clone().text()}`).toBe(200)
  }
})

test('the last minutes of an endpoint add up to what it was asked', async () => {
  const live = await person.ask<{
    points: { requests: number; failed: number; rows: number }[]
    latencies: { count: number }[]
    revisions: { revision: number; requests: number }[]
    memory: { revision: number; bytes: number }[]
  }>('GET', '/api/v1/endpoints/loops/live')
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0)
  const requests = sum(live.points.map((point) => point.requests))
  const failed = sum(live.points.map((point) => point.failed))
  expect(requests - failed).toBe(sum(live.latencies.map(({ count }) => count)))
  expect(live.revisions).toMatchObject([{ revision: 1, requests: requests - failed }])
  expect(live.memory).toMatchObject([{ revision: 1 }])
})

test('the newest predictions come page by page, and what was refused is told beside them', async () => {
  type Page = { predictions: { id: string; at: string }[]; next: number | null }
  const path = '/api/v1/endpoints/loops/predictions/newest?limit=4'
  const first = await person.ask<Page>('GET', path)
  expect(first.predictions.length).toBeGreaterThanOrEqual(4)
  const second = await person.ask<Page>('GET', `${path}&before=${first.next}`)
  const ids = [...first.predictions, ...second.predictions].map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  const live = await person.ask<{ failures: { kind: string; protocol: string }[] }>(
    'GET',
    '/api/v1/endpoints/loops/live',
  )
  expect(live.failures).toMatchObject([{ kind: 'invalid', protocol: 'mlflow' }])
})

interface Line {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

async function scrape(url: string): Promise<Line[]> {
  const answer = await fetch(url)
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  const text = await answer.text()
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(
      ([, key = '', said = '']) => [key, said] as const,
    )
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
  })
}

function valueOf(lines: readonly Line[], name: string, labels: Record<string, string>): number {
  const meant = lines.filter(
    (line) =>
      line.name === name &&
      Object.entries(labels).every(([key, said]) => line.labels[key] === said),
  )
  return meant.reduce((sum, { value }) => sum + value, 0)
}

async function invoke(rows: number, body?: object): Promise<number> {
  const records = Array.from({ length: rows }, () => ({ rounds: 3 }))
  const answer = await fetch(
    `${server.url}/endpoints/loops/invocations`,
    bodyOf(body ?? { dataframe_records: records }),
  )
  await answer.text()
  return answer.status
}

function bodyOf(body: object) {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}
