import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'
import { LOOP, filesOfModel } from '../support/models.ts'
import { projectOf, rolloutsAt } from '../support/rollouts.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// An endpoint fails, another grows slow: whoever looks after them hears of it, and of what predictions cost.

const MLFLOW = '/api/2.0/mlflow'
const HOUR_MS = 3_600_000
const START = Date.UTC(2026, 0, 5)

const CONFIG = `project: loops
endpoints:
  loops:
    model: models:/loops/1
    monitor:
      window: { size: 1d }
      min_samples: 20
      service: { errors: 0.01, p99_ms: 60000, min_rps: 1000, cost: { per_hour: 0.2, per_cpu_hour: 3600, currency: EUR } }
`

let server: TestServer
let project: Awaited<ReturnType<typeof projectOf>>
const { ask } = rolloutsAt(() => server.url)

beforeAll(async () => {
  server = await startTestServer({ inferenceTimeoutMs: 500 })
  project = await projectOf(CONFIG)
  await ask('POST', `${MLFLOW}/registered-models/create`, { name: 'loops' })
  const { run } = await ask<{ run: { info: { run_id: string; artifact_uri: string } } }>(
    'POST',
    `${MLFLOW}/runs/create`,
    { experiment_id: '0', start_time: 1 },
  )
  const source = `${run.info.artifact_uri}/model`
  const folder = source.replace(/^mlflow-artifacts:\/*/, '')
  for (const [name, bytes] of await filesOfModel({ ...LOOP, file: 'loop.onnx' }))
    await ask('PUT', `/api/2.0/mlflow-artifacts/artifacts/${folder}/${name}`, bytes)
  const version = { name: 'loops', source, run_id: run.info.run_id }
  await ask('POST', `${MLFLOW}/model-versions/create`, version)
  await ask('POST', '/api/v1/projects', { origin: project.origin })
}, 60_000)
afterAll(async () => {
  await server.stop()
  await project.remove()
})

interface Window {
  start: string
  service: {
    predictions: number
    perSecond: number
    latency: { p50Ms: number | null; p99Ms: number | null }
    counted: {
      requests: number
      failed: number
      refused: number
      kinds: Record<string, number>
      errors: number
      cpuSeconds: number
      memoryBytes: number
    } | null
    revisions: { revision: number; predictions: number; cpuSeconds: number | null }[]
    cost: { total: number; perThousand: number; currency: string; detail: string } | null
    notes: string[]
  }
}

interface Alert {
  kind: string
  subject: string
  severity: string
  detail: string
  state: string
}

const windowsOf = async (endpoint: string) =>
  (await ask<{ windows: Window[] }>('GET', `/api/v1/endpoints/${endpoint}/windows`)).windows
const alertsOf = async (endpoint: string) =>
  (await ask<{ alerts: Alert[] }>('GET', `/api/v1/alerts?endpoint=${endpoint}`)).alerts

/** Asks once; gives whether there was an answer. */
async function predict(record: object): Promise<boolean> {
  const answer = await fetch(`${server.url}/api/v1/endpoints/loops/predictions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ records: [record] }),
  })
  await answer.text()
  return answer.ok
}

test('what failed, what it took and what it cost is in the window, and failures beyond the limit are an alert', async () => {
  const state = async () =>
    (await ask<{ state: string }>('GET', '/api/v1/endpoints/loops').catch(() => null))?.state
  await expect.poll(state, { timeout: 30_000 }).toBe('ready')
  for (let call = 0; call < 30; call++) expect(await predict({ rounds: 1 })).toBe(true)
  // What a process took is known of those that are there when somebody looks.
  await ask('GET', '/api/v1/endpoints/loops/usage')
  const before = await (await fetch(`${server.url}/metrics`)).text()
  expect(before).toMatch(/orrery_model_process_cpu_seconds_total\{process="loops\/1"\} \d/)
  expect(before).toMatch(/orrery_host_processors \d/)
  // It counts for longer than anybody waits, and is ended.
  for (let call = 0; call < 3; call++) expect(await predict({ rounds: 1e12 })).toBe(false)
  expect(await predict({ rounds: 'many' })).toBe(false)
  const { hours } = await ask<{ hours: { requests: number; kinds: Record<string, number> }[] }>(
    'GET',
    '/api/v1/endpoints/loops/usage',
  )
  const asked = hours.reduce((all, { requests }) => all + requests, 0)
  expect(asked).toBe(30)
  const usage = ['endpoint', 'usage', 'loops', '--url', server.url]
  const table = await runCommand(server.home, usage)
  expect(table.out).toMatch(/ 1 = loops\/1 +30 +30 .* ms .* ms .* s .* MB/)
  expect(table.out).toMatch(/ none .*deadline 3/)
  const far = await runCommand(server.home, [...usage, '--since', '100d', '--json'])
  expect(JSON.parse(far.out)).toMatchObject({
    endpoint: 'loops',
    hours: hours.map(({ requests, kinds }) => ({ requests, kinds })),
  })
  const wrong = await runCommand(server.home, [...usage, '--since', 'tomorrow'])
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('--since takes a length')])
  const time = new Date(Date.now() + 24 * HOUR_MS).toISOString()
  await ask('POST', '/api/v1/endpoints/loops/watermark', { time })
  await expect.poll(async () => (await windowsOf('loops')).length, { timeout: 30_000 }).toBe(1)
  const [{ service }] = (await windowsOf('loops')) as [Window]
  expect(service.predictions).toBe(30)
  expect(service.perSecond).toBeCloseTo(30 / 86_400, 9)
  expect(service.latency.p99Ms).toBeGreaterThan(0)
  expect(service.counted).toMatchObject({ requests: 30, failed: 3, refused: 1, errors: 3 / 33 })
  expect(service.counted?.memoryBytes).toBeGreaterThan(1e6)
  expect(service.counted?.cpuSeconds).toBeGreaterThan(0)
  expect(service.revisions).toMatchObject([{ revision: 1, predictions: 30 }])
  const { total, perThousand, currency } = service.cost ?? { total: 0, perThousand: 0 }
  expect(total).toBeCloseTo(24 * 0.2 + (service.counted?.cpuSeconds ?? 0), 6)
  expect(perThousand).toBeCloseTo((total / 30) * 1000, 6)
  expect(currency).toBe('EUR')
  // The first window has no word on how few asked: it began somewhere in it.
  expect(await alertsOf('loops')).toMatchObject([
    { kind: 'service', subject: 'errors', severity: 'critical', state: 'open' },
  ])
  const scraped = await (await fetch(`${server.url}/metrics`)).text()
  expect(scraped).toMatch(/orrery_window_error_ratio\{endpoint="loops"\} 0\.0909/)
  expect(scraped).toMatch(/orrery_window_cost_per_thousand\{endpoint="loops",currency="EUR"\} \d/)
}, 60_000)

test('answers of another system that grow slow are an alert when it lasts, and over when they are quick again', async () => {
  const limits = { p99_ms: 200, min_rps: 0.05, persistence: { windows: 2, of: 3 } }
  await ask('POST', '/api/v1/endpoints', {
    name: 'slow',
    elsewhere: true,
    monitor: { window: { size: '1h' }, min_samples: 50, service: limits },
  })
  const tell = (hour: number, latencyMs: (at: number) => number, rows = 200) =>
    ask('POST', '/api/v1/predictions', {
      endpoint: 'slow',
      modelVersion: 'v1',
      predictions: Array.from({ length: rows }, (_, at) => ({
        id: `${hour}-${at}`,
        time: START + hour * HOUR_MS + at * 1000,
        latencyMs: latencyMs(at),
        inputs: { amount: at },
        outputs: { score: 0.5 },
      })),
    })
  const quick = (at: number) => 10 + (at % 50)
  for (let hour = 0; hour < 2; hour++) await tell(hour, quick)
  for (let hour = 2; hour < 4; hour++) await tell(hour, (at) => (at % 10 === 0 ? 900 : quick(at)))
  for (let hour = 4; hour < 7; hour++) await tell(hour, quick)
  for (let hour = 7; hour < 9; hour++) await tell(hour, quick, 60)
  const time = new Date(START + 9 * HOUR_MS).toISOString()
  await ask('POST', '/api/v1/endpoints/slow/watermark', { time })
  await expect.poll(async () => (await windowsOf('slow')).length, { timeout: 30_000 }).toBe(9)
  const [first] = (await windowsOf('slow')).toReversed()
  expect(first?.service.latency.p50Ms).toBe(34)
  expect(first?.service.counted).toBeNull()
  expect(first?.service.notes[0]).toContain('nothing was counted')
  const told = await alertsOf('slow')
  expect(told.filter(({ kind }) => kind === 'service')).toMatchObject([
    { subject: 'rps', severity: 'warning', state: 'open' },
    { subject: 'p99_ms', severity: 'critical', state: 'cleared' },
  ])
  expect(told.find(({ subject }) => subject === 'p99_ms')?.detail).toBe(
    'p99_ms 900 (900 to 900, 200 predictions) is beyond doubt not at most 200',
  )
}, 60_000)
