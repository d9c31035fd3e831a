import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HistoryWire, ModelsWire } from '#protocols/api/models-wire'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

interface Answer<Body> {
  readonly status: number
  readonly body: Body & { detail?: string }
}

async function api<Body>(method: string, path: string): Promise<Answer<Body>> {
  const answer = await fetch(`${server.url}/api/v1${path}`, { method })
  return { status: answer.status, body: (await answer.json()) as Answer<Body>['body'] }
}

async function mlflow(path: string, body: unknown, headers = {}): Promise<void> {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  expect([path, answer.status]).toEqual([path, 200])
}

test('the registry tells what it was, who changed it, and why', async () => {
  await mlflow('registered-models/create', { name: 'late', description: 'first' })
  for (let at = 0; at < 2; at++)
    await mlflow('model-versions/create', { name: 'late', source: 's3://bucket/model' })
  const why = { 'x-orrery-reason': Buffer.from('naïve rollback').toString('latin1') }
  await mlflow('registered-models/alias', { name: 'late', alias: 'next', version: '1' })
  await new Promise((resolve) => setTimeout(resolve, 5))
  const before = Date.now()
  await new Promise((resolve) => setTimeout(resolve, 5))
  await mlflow('registered-models/alias', { name: 'late', alias: 'next', version: '2' }, why)
  await mlflow('registered-models/rename', { name: 'late', new_name: 'later' })
  const { body } = await api<HistoryWire>('GET', '/models/later/history?kind=alias')
  expect(body.changes).toMatchObject([
    {
      kind: 'alias',
      key: 'next',
      from: '1',
      to: '2',
      reason: 'naïve rollback',
      actor: { id: 'local' },
    },
    { from: null, to: '1', reason: null },
  ])
  const all: unknown[] = []
  for (let at: number | null = Number.MAX_SAFE_INTEGER; at !== null;) {
    const page: Answer<HistoryWire> = await api('GET', `/models/later/history?limit=2&before=${at}`)
    all.push(...page.body.changes.map(({ kind, to }) => `${kind} ${to}`))
    at = page.body.next
  }
  expect(all).toEqual([
    'model later',
    'alias 2',
    'alias 1',
    'version s3://bucket/model',
    'version s3://bucket/model',
    'model late',
    'description first',
  ])
  for (const name of ['late', 'later']) {
    const then = await api('GET', `/models/${name}/aliases?as_of=${before}`)
    expect(then.body).toMatchObject({ model: 'late', aliases: [{ alias: 'next', version: 1 }] })
  }
  expect((await api('GET', '/models/late')).status).toBe(404)
  expect((await api<ModelsWire>('GET', '/models')).body).toMatchObject({
    asOf: null,
    models: [{ name: 'later', newest: 2 }],
  })
  expect((await api<ModelsWire>('GET', `/models?as_of=${before}`)).body.models).toMatchObject([
    { name: 'late', aliases: [{ version: 1 }] },
  ])
  const today = new Date().toISOString().slice(0, 10)
  expect((await api('GET', `/models/later/versions?as_of=${today}`)).body).toMatchObject({
    model: 'later',
    versions: [{ version: 2, aliases: ['next'] }, { version: 1 }],
  })
  expect((await api('GET', '/models/later?as_of=2020-01-01')).status).toBe(404)
  const wrong = await api('GET', '/models/later?as_of=yesterday')
  expect([wrong.status, wrong.body.detail]).toEqual([400, expect.stringMatching(/2026-05-01/)])
})
