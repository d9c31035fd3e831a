import { Webhook as Verifier } from 'standardwebhooks'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startReceiver, type Received, type Receiver } from './receiver.ts'

const ALLOWED = { webhookSchemes: 'https,http', webhookAllowPrivate: true }

let server: TestServer
let receiver: Receiver
const undo: (() => Promise<void>)[] = []

beforeEach(async () => {
  server = await startTestServer(ALLOWED)
  receiver = await startReceiver()
  undo.push(() => server.stop(), receiver.stop)
})
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

// oxlint-disable-next-line typescript/no-explicit-any -- answers to requests of this file alone
type Answer = { status: number; body: any }

async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await answer.text()
  return { status: answer.status, body: JSON.parse(text === '' ? 'null' : text) as unknown }
}

const add = async (more: Record<string, unknown> = {}) => {
  const given = { name: 'ci', url: receiver.url, events: ['*'], ...more }
  const { status, body } = await ask('POST', '/api/v1/webhooks', given)
  expect([status, body]).toEqual([201, expect.objectContaining({ name: given.name })])
  return body as { id: string; secret: string }
}
const makeModel = (name: string) =>
  ask('POST', '/api/2.0/mlflow/registered-models/create', { name })
const deliveries = async (id: string, query = '') =>
  (await ask('GET', `/api/v1/webhooks/${id}/deliveries${query}`)).body as {
    deliveries: Record<string, unknown>[]
    next: string | null
  }

/** The event in a message, once an independent library has verified its signature. */
function verified(secret: string, { headers, body }: Received): Record<string, unknown> {
  return new Verifier(secret).verify(body, headers as Record<string, string>) as Record<
    string,
    unknown
  >
}

test('a receiver is told of what happens from then on, in messages that Standard Webhooks verifies', async () => {
  await makeModel('before')
  const { id, secret } = await add()
  await makeModel('after')
  const [message] = await receiver.until(1)
  expect(verified(secret, message as Received)).toMatchObject({
    type: 'registered-model-created',
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    position: expect.any(Number) as number,
    actor: { kind: 'user', id: 'local' },
    subject: 'model:after',
    data: { model: 'after' },
    edges: [],
  })
  expect(message?.headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': `msg_${id}_${(JSON.parse(message?.body ?? '') as { position: number }).position}`,
    'user-agent': expect.stringMatching(/^orrery\//) as string,
  })
  expect(() =>
    verified(`whsec_${Buffer.alloc(32).toString('base64')}`, message as Received),
  ).toThrow('No matching signature')
  await expect
    .poll(async () => (await deliveries(id)).deliveries)
    .toMatchObject([{ state: 'delivered', attempts: 1, status: 200, next: null, error: null }])
})

test('only the events that were asked for come, by pattern and by subject', async () => {
  await add({ events: ['registered-model-*'], subject: 'model:mine' })
  await makeModel('theirs')
  await ask('POST', '/api/2.0/mlflow/experiments/create', { name: 'mine' })
  await makeModel('mine')
  await ask('DELETE', '/api/2.0/mlflow/registered-models/delete', { name: 'mine' })
  const messages = await receiver.until(2)
  expect(messages.map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual([
    'registered-model-created',
    'registered-model-deleted',
  ])
})

test('a secret is told once, never in answers or the ledger, and a new one signs beside the old', async () => {
  const { id, secret } = await add()
  const shown = await ask('GET', `/api/v1/webhooks/${id}`)
  const { body: rotated } = await ask('POST', `/api/v1/webhooks/${id}/rotate`, {})
  const { body: entries } = await ask('GET', '/api/v1/ledger/entries')
  for (const text of [shown, entries].map((each) => JSON.stringify(each))) {
    expect(text).not.toContain(secret.slice(6))
    expect(text).not.toContain('whsec_')
    expect(text).not.toContain('sealed')
  }
  await makeModel('a')
  const [first] = await receiver.until(1)
  expect(verified(secret, first as Received)).toEqual(verified(rotated.secret, first as Received))
  await ask('POST', `/api/v1/webhooks/${id}/rotate`, { overlapHours: 0 })
  await receiver.until(2)
  await makeModel('b')
  const last = (await receiver.until(3)).at(-1)
  expect(() => verified(rotated.secret, last as Received)).toThrow('No matching signature')
})

test('a failed delivery is tried again under its id, and a delivered one when somebody asks', async () => {
  receiver.answer({ status: 500, body: 'x'.repeat(10_000) })
  const { id } = await add({ events: ['registered-model-created'] })
  await makeModel('a')
  await receiver.until(1)
  await expect
    .poll(async () => (await deliveries(id)).deliveries)
    .toMatchObject([{ state: 'waiting', attempts: 1, status: 500, response: 'x'.repeat(4096) }])
  const [failed] = (await deliveries(id)).deliveries
  expect(Date.parse(String(failed?.['next']))).toBeGreaterThan(Date.now() + 2000)
  receiver.answer({ status: 204 })
  const again = `/api/v1/webhooks/${id}/deliveries/${String(failed?.['id'])}/redeliver`
  expect((await ask('POST', again)).status).toBe(202)
  const [first, second] = await receiver.until(2)
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
  expect(second?.body).toBe(first?.body)
  await expect
    .poll(async () => (await deliveries(id)).deliveries)
    .toMatchObject([{ state: 'delivered', attempts: 2, status: 204 }])
  expect((await ask('POST', `${again}x`)).status).toBe(404)
})

test('a receiver that never answers delays neither the others nor the server', async () => {
  const dead = await startReceiver()
  undo.push(dead.stop)
  dead.answer(undefined)
  await add({ name: 'dead', url: dead.url })
  await add({ name: 'alive' })
  const began = performance.now()
  for (let each = 0; each < 20; each++) await makeModel(`m${each}`)
  await receiver.until(20)
  expect(performance.now() - began).toBeLessThan(8000)
  expect(dead.received.length).toBeLessThanOrEqual(5)
})

test('a test says how the receiver answered, and a redirect is not followed', async () => {
  const { id } = await add({ events: ['run-started'] })
  const ping = async () => (await ask('POST', `/api/v1/webhooks/${id}/test`, {})).body as unknown
  expect(await ping()).toMatchObject({ state: 'delivered', event: 'ping', status: 200 })
  receiver.answer({ status: 302, headers: { location: `${receiver.url}/elsewhere` } })
  expect(await ping()).toMatchObject({
    state: 'failed',
    status: 302,
    error: expect.stringContaining('redirect') as string,
  })
  expect(receiver.received.map(({ path }) => path)).toEqual(['/', '/'])
  await receiver.stop()
  expect(await ping()).toMatchObject({
    state: 'failed',
    status: null,
    error: expect.stringContaining('ECONNREFUSED') as string,
  })
})

test('webhooks are listed in pages, changed, disabled with what waits for them, and removed', async () => {
  const { id } = await add()
  await add({ name: 'second' })
  const first = (await ask('GET', '/api/v1/webhooks?limit=1')).body
  expect(first.webhooks.map(({ name }: { name: string }) => name)).toEqual(['second'])
  const next = (await ask('GET', `/api/v1/webhooks?limit=1&before=${first.next}`)).body
  expect(next.webhooks[0]).toMatchObject({ id, name: 'ci', enabled: true, failures: 0 })
  // The first has been told of the second before anything goes wrong.
  await receiver.until(1)
  receiver.answer({ status: 500 })
  await makeModel('a')
  await receiver.until(3)
  const change = { enabled: false, description: 'off' }
  expect((await ask('PATCH', `/api/v1/webhooks/${id}`, change)).body).toMatchObject(change)
  expect((await deliveries(id, '?state=waiting')).deliveries).toEqual([])
  expect((await deliveries(id, '?state=cancelled')).deliveries).toMatchObject([
    { error: 'the webhook was disabled' },
  ])
  expect((await ask('DELETE', `/api/v1/webhooks/${id}`)).status).toBe(204)
  expect((await ask('GET', `/api/v1/webhooks/${id}`)).status).toBe(404)
})

test('a receiver that says 410 is not called again', async () => {
  receiver.answer({ status: 410 })
  const { id } = await add()
  await makeModel('a')
  await expect
    .poll(async () => (await ask('GET', `/api/v1/webhooks/${id}`)).body as unknown)
    .toMatchObject({ enabled: false, disabledBecause: expect.stringContaining('410') as string })
  await makeModel('b')
  const { entries } = (await ask('GET', '/api/v1/ledger/entries?type=webhook-disabled')).body
  expect(entries).toMatchObject([{ actor: { kind: 'platform', id: 'webhooks' } }])
  expect(receiver.received).toHaveLength(1)
})

test('what cannot be a webhook is refused with what to do', async () => {
  const refused = async (more: Record<string, unknown>) => {
    const given = { name: 'ci', url: receiver.url, events: ['*'], ...more }
    const { status, body } = await ask('POST', '/api/v1/webhooks', given)
    return [status, body.detail as string]
  }
  expect(await refused({ url: 'ftp://127.0.0.1' })).toEqual([
    400,
    expect.stringContaining('scheme'),
  ])
  expect(await refused({ url: 'http://a:b@127.0.0.1' })).toEqual([
    400,
    expect.stringContaining('password'),
  ])
  expect(await refused({ events: ['Model Created'] })).toEqual([400, expect.stringContaining('*')])
  expect(await refused({ events: [] })).toEqual([400, expect.anything()])
  expect(await refused({ name: '-a' })).toEqual([400, expect.stringContaining('-a')])
  expect(await refused({ subject: 'flights' })).toEqual([400, expect.stringContaining('model:')])
})
