import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBulkReceiver } from '../support/bulk-receiver.ts'
import { runCommand } from '../support/command.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// A search engine is sent what happens and what is predicted: late when it is away, each document once, none lost.

const SETTINGS = { webhookSchemes: 'http,https', webhookAllowPrivate: true }
let server: TestServer
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-logs-'))
  server = await startTestServer(SETTINGS)
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

async function ask(method: string, path: string, body?: unknown) {
  const answer = await fetch(`${server.url}/api/v1${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, json: JSON.parse(text === '' ? '{}' : text) as Health }
}

interface Health {
  readonly name: string
  readonly hasKey: boolean
  readonly health: { shipped: number; rejected: number; rejection: string; failures: number }
}

const predictions = (endpoint: string, count: number, from = 0) =>
  ask('POST', '/predictions', {
    endpoint,
    predictions: Array.from({ length: count }, (_, at) => ({
      id: `p${from + at}`,
      time: Date.UTC(2026, 0, 5) + from + at,
      modelVersion: 'gbm-7',
      inputs: { amount: at, country: 'DE' },
      outputs: { probability: 0.25 },
      latencyMs: 2,
    })),
  })

const KINDS = [
  'alert',
  'asset',
  'enrichment',
  'event',
  'metric',
  'state',
  'pipeline_error',
  'signal',
]
const TYPES = 'access admin allowed change connection creation deletion denied device end error'
  .concat(' group indicator info installation protocol start user')
  .split(' ')

/** By the rules of ECS: its own fields with the values it allows, and all else below one word that it does not have. */
function checkEcs(document: Readonly<Record<string, unknown>>): void {
  const own = ['@timestamp', 'data_stream', 'ecs', 'event', 'message', 'orrery', 'service', 'user']
  expect(own).toEqual(expect.arrayContaining(Object.keys(document)))
  expect(document).toMatchObject({ ecs: { version: '8.11.0' }, service: { name: 'orrery' } })
  expect(new Date(document['@timestamp'] as string).toISOString()).toBe(document['@timestamp'])
  const event = document['event'] as Record<string, string | string[]>
  expect(KINDS).toContain(event['kind'])
  expect(['api', 'configuration']).toEqual(expect.arrayContaining(event['category'] as string[]))
  expect(TYPES).toEqual(expect.arrayContaining(event['type'] as string[]))
  expect([undefined, 'success', 'failure', 'unknown']).toContain(event['outcome'])
  expect(document['data_stream']).toMatchObject({ type: 'logs', dataset: event['dataset'] })
}

test('events and predictions come once each, though the receiver is away, busy, mute and narrow', async () => {
  const receiver = await startBulkReceiver({ documentsMax: 300, key: 'a2V5' })
  await ask('POST', '/endpoints', { name: 'shipped', elsewhere: true })
  await predictions('shipped', 700)
  receiver.mishaps.push({ kind: 'away', status: 503 }, { kind: 'mute' }, { kind: 'busy' })
  const added = await ask('POST', '/log-receivers', {
    name: 'search',
    url: receiver.url,
    key: 'a2V5',
    from: 'start',
  })
  expect(added).toMatchObject({ status: 201, json: { name: 'search', hasKey: true } })
  expect(JSON.stringify(added.json)).not.toContain('a2V5')
  const stream = (log: string) => receiver.documents(`logs-orrery.${log}-default`)
  await expect.poll(() => stream('predictions').length, { timeout: 20_000 }).toBe(700)
  await predictions('shipped', 5, 700)
  await expect.poll(() => stream('predictions').length, { timeout: 20_000 }).toBe(705)
  const documents = [...stream('events'), ...stream('predictions')]
  for (const document of documents) checkEcs(document)
  expect(stream('predictions')[3]).toMatchObject({
    '@timestamp': '2026-01-05T00:00:00.003Z',
    event: { action: 'prediction', duration: 2_000_000 },
    orrery: {
      endpoint: 'shipped',
      model: { version: 'gbm-7' },
      prediction: {
        inputs: { amount: 3, country: 'DE' },
        outputs: { probability: 0.25 },
        score: 0.25,
      },
    },
  })
  const actions = stream('events').map((each) => (each['event'] as { action: string }).action)
  expect(actions).toEqual(expect.arrayContaining(['endpoint-declared', 'log-receiver-added']))
  const { json } = await ask('GET', '/log-receivers/search')
  expect(json.health).toMatchObject({ rejected: 0, failures: 0 })
  expect((await ask('DELETE', '/log-receivers/search')).status).toBe(204)
  receiver.stop()
})

test('what a receiver will never take is told and holds up nothing; a stop goes on where it ended', async () => {
  const receiver = await startBulkReceiver()
  receiver.refused.add('orrery.prediction.inputs.odd')
  await ask('POST', '/endpoints', { name: 'odd', elsewhere: true })
  await ask('POST', '/log-receivers', { name: 'strict', url: receiver.url, logs: ['predictions'] })
  const one = (id: string, inputs: object) => ({ endpoint: 'odd', id, inputs, outputs: 1 })
  await ask('POST', '/predictions', [one('a', { odd: 1 }), one('b', { even: 2 })])
  const count = () => receiver.documents('logs-orrery.predictions-default').length
  await expect.poll(count, { timeout: 20_000 }).toBe(1)
  await expect
    .poll(async () => (await ask('GET', '/log-receivers/strict')).json.health.rejected)
    .toBe(1)
  const { json } = await ask('GET', '/log-receivers/strict')
  expect(json.health.rejection).toContain('failed to parse field [orrery.prediction.inputs.odd]')

  const { home } = server
  await server.stop({ keepHome: true })
  server = await startTestServer({ ...SETTINGS, home })
  await ask('POST', '/predictions', [one('c', { even: 3 })])
  await expect.poll(count, { timeout: 20_000 }).toBe(2)
  await ask('DELETE', '/log-receivers/strict')
  receiver.stop()
})

test('the same documents are written to a file, and on from where the last one ended', async () => {
  await ask('POST', '/endpoints', { name: 'filed', elsewhere: true })
  await predictions('filed', 1200)
  const orrery = (...args: string[]) => runCommand(folder, [...args, '--url', server.url])
  const log = ['--log', 'predictions', '--endpoint', 'filed', '--json']
  const first = await orrery('export', 'ecs', 'filed.jsonl', ...log)
  expect(first.code).toBe(0)
  const told = JSON.parse(first.out) as { documents: number; next: number }
  expect(told.documents).toBe(1200)
  const lines = (await readFile(join(folder, 'filed.jsonl'), 'utf8')).trimEnd().split('\n')
  for (const line of lines) checkEcs(JSON.parse(line) as Record<string, unknown>)
  expect(new Set(lines).size).toBe(1200)
  await predictions('filed', 3, 1200)
  const second = await orrery('export', 'ecs', 'more.jsonl', ...log, '--from', String(told.next))
  expect(JSON.parse(second.out)).toMatchObject({ documents: 3 })
  const events = await orrery('export', 'ecs', '-')
  expect(events.err).toContain('written')
  for (const line of events.out.trimEnd().split('\n')) checkEcs(JSON.parse(line) as never)
  expect((await orrery('export', 'ecs', 'more.jsonl')).err).toContain('name a new file')
})
