import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { askingOf } from '../support/asking.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// A model that runs elsewhere goes bad: what is estimated before truth comes, and what is said to have caused it.

let server: TestServer
let folder: string
beforeAll(async () => {
  server = await startTestServer()
  folder = await mkdtemp(join(tmpdir(), 'orrery-causes-'))
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const ROWS_A_DAY = 250

const asking = askingOf(() => server.url)
const ask = <T = Record<string, unknown>>(path: string, body?: unknown) =>
  asking<T>(body === undefined ? 'GET' : 'POST', path, body)

interface World {
  /** What the model says, and how probable it really is. */
  readonly chance?: (row: { amount: number; country: string }) => [said: number, real: number]
  readonly amount?: (drawn: number) => number
  readonly labelled?: boolean
}

/** A day of payments: the larger, the more probably a fraud. */
async function tell(endpoint: string, day: number, world: World = {}): Promise<void> {
  const random = seededDraws(1000 + day)
  const predictions = Array.from({ length: ROWS_A_DAY }, (_, index) => {
    const amount = (world.amount ?? ((drawn) => drawn))(random())
    const country = ['DE', 'FR', 'US', 'JP'][Math.floor(random() * 4)] as string
    const calibrated = Math.min(0.98, Math.max(0.02, amount))
    const [said, real] = world.chance?.({ amount, country }) ?? [calibrated, calibrated]
    const label = random() < real ? 1 : 0
    return {
      id: `${day}-${index}`,
      modelVersion: 'xgb-1',
      time: START + day * DAY + Math.floor((index / ROWS_A_DAY) * DAY),
      inputs: { amount, country, noise: random() },
      outputs: { probability: said },
      ...(world.labelled === false ? {} : { label }),
    }
  })
  await ask('/predictions', { endpoint, predictions })
}

interface Window {
  start: string
  estimate?: {
    state: string
    reason?: string
    outside: string
    estimates: { metric: string; value: number; ciLow: number; ciHigh: number }[]
    scored: { labels: number; metrics: Record<string, { error: number; within: boolean }> } | null
  }
  slices?: { state: string; slices: { name: string }[] }
  performance: { state: string } | null
}

async function windowOf(endpoint: string, day: number, ready: (window: Window) => boolean) {
  const start = new Date(START + day * DAY).toISOString()
  const found = async () => {
    const { windows } = await ask<{ windows: Window[] }>(`/endpoints/${endpoint}/windows?limit=50`)
    return windows.find((each) => each.start === start && ready(each))
  }
  await expect.poll(found, { timeout: 60_000 }).toBeDefined()
  return (await found()) as Window
}

interface Alert {
  id: string
  kind: string
  causes: {
    change: { of: string; by: number } | null
    ranked: { kind: string; subject: string; share: number | null; detail: string }[]
  } | null
}

async function explained(endpoint: string, kind: string): Promise<Alert> {
  const found = async () => {
    const { alerts } = await ask<{ alerts: Alert[] }>(`/alerts?endpoint=${endpoint}`)
    const open = alerts.find((each) => each.kind === kind)
    if (open === undefined) return undefined
    const alert = await ask<Alert>(`/alerts/${encodeURIComponent(open.id)}`)
    return alert.causes === null ? undefined : alert
  }
  await expect.poll(found, { timeout: 60_000 }).toBeDefined()
  return (await found()) as Alert
}

const monitor = {
  window: { size: '1d', by: 'time' },
  settle: '1d',
  estimate: { rows: 600, persistence: { windows: 2, of: 2 } },
}

test('performance is estimated before truth comes, alerted with its cause, and scored when it has come', async () => {
  const endpoint = 'estimated'
  await ask('/endpoints', { name: endpoint, elsewhere: true, monitor })
  for (let day = 0; day < 6; day++) await tell(endpoint, day)
  const calm = await windowOf(endpoint, 4, ({ estimate }) => estimate?.state === 'estimated')
  expect(calm.estimate?.outside).toBe('no')
  // The first windows had nothing to learn from, and say so.
  const first = await windowOf(endpoint, 0, ({ estimate }) => estimate !== undefined)
  expect(first.estimate?.reason).toContain('600')
  // Amounts gather where nobody can tell.
  const middling: World = { amount: (drawn) => 0.4 + drawn * 0.2, labelled: false }
  for (let day = 6; day < 12; day++) await tell(endpoint, day, middling)
  const bad = await windowOf(endpoint, 8, ({ estimate }) => estimate?.state === 'estimated')
  expect(bad.estimate).toMatchObject({ outside: expect.stringMatching(/yes|certainly/) as string })
  const alert = await explained(endpoint, 'estimate')
  expect(alert.causes?.ranked[0]).toMatchObject({ kind: 'column', subject: 'amount' })
  expect(alert.causes?.ranked[0]?.share).toBeGreaterThan(0.8)
  // Truth comes late: the estimate is held against it.
  expect(bad.estimate?.scored).toBeNull()
  const random = seededDraws(5)
  const truths = Array.from({ length: ROWS_A_DAY }, (_, index) => ({
    prediction: `8-${index}`,
    label: random() < 0.5 ? 1 : 0,
  }))
  await ask(`/endpoints/${endpoint}/ground-truth`, { truths })
  const scored = await windowOf(endpoint, 8, ({ estimate }) => (estimate?.scored ?? null) !== null)
  expect(scored.estimate?.scored?.labels).toBe(ROWS_A_DAY)
  expect(scored.estimate?.scored?.metrics['accuracy']?.within).toBe(true)
}, 90_000)

test('what is true of some rows changes: the alert says so, and which rows', async () => {
  const endpoint = 'changed'
  const performance = { metric: 'accuracy', min: 0.7, persistence: { windows: 2, of: 2 } }
  await ask('/endpoints', { name: endpoint, elsewhere: true, monitor: { ...monitor, performance } })
  for (let day = 0; day < 5; day++) await tell(endpoint, day)
  const turned: World = {
    chance: ({ amount, country }) => [amount, country === 'US' ? 1 - amount : amount],
  }
  for (let day = 5; day < 10; day++) await tell(endpoint, day, turned)
  const alert = await explained(endpoint, 'performance')
  const kinds = alert.causes?.ranked.map(({ kind }) => kind)
  expect(alert.causes?.change).toMatchObject({ of: 'loss' })
  expect(kinds?.[0]).toBe('relation')
  const segment = alert.causes?.ranked.find(({ kind }) => kind === 'segment')
  expect(segment?.subject).toContain('country = US')
  const window = await windowOf(endpoint, 7, ({ slices }) => slices?.state === 'searched')
  expect(window.slices?.slices[0]?.name).toContain('country = US')
}, 90_000)

/** A stage of a pipeline run, as `orrery repro` tells of it; gives its MLflow run. */
async function staged(pipelineRun: string, stage: string, about: Record<string, unknown>) {
  const { outs, ...start } = about
  const told = { stage, command: stage, params: {}, environment: null, ...start }
  const at = `/pipeline-runs/${pipelineRun}/stages`
  const { runId } = await ask<{ runId: string }>(at, told)
  const end = { outcome: 'succeeded', reason: null, outs, metrics: {}, logTail: '' }
  await ask(`${at}/${stage}/finish`, end)
  return runId
}

/** A project that tracks the raw data. */
async function projectThere(): Promise<void> {
  const origin = join(folder, 'pay')
  await mkdir(origin)
  const { md5 } = file('raw.csv', '1')
  await writeFile(join(origin, 'orrery.yaml'), 'project: pay\n')
  const tracked = `outs:\n- md5: ${md5}\n  size: 1\n  hash: md5\n  path: raw.csv\n`
  await writeFile(join(origin, 'raw.csv.dvc'), tracked)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', ...args], {
      cwd: origin,
    })
  git('init', '--quiet', '--initial-branch=main')
  git('add', '--all')
  git('commit', '--quiet', '--message', 'Start')
  await ask('/projects', { origin })
}

async function posted(path: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const told = { method: 'POST', headers, body: JSON.stringify(body) }
  const answer = await fetch(`${server.url}/api${path}`, told)
  expect(answer.ok).toBe(true)
}

const file = (path: string, digit: string) => ({ path, md5: digit.repeat(32), sizeBytes: 1 })

/** Prepares features of raw data in euros, or in whatever the parameter says. */
async function prepared(pipelineRun: string, currency: string, out: string): Promise<void> {
  const about = { commit: null, dirty: false, branch: null, stages: [] }
  await ask('/pipeline-runs', { id: pipelineRun, project: 'pay', ...about })
  await staged(pipelineRun, 'prepare', {
    params: { currency },
    deps: [file('raw.csv', '1')],
    outs: [file('features.csv', out)],
  })
}

/** A run of another system's job that writes the raw data, as OpenLineage tells of it. */
async function extracted(outcome: 'COMPLETE' | 'FAIL', runId: string): Promise<void> {
  const producer = 'https://airflow.example.org'
  const raw = {
    namespace: 'orrery://pay',
    name: 'raw.csv',
    facets: { version: { datasetVersion: file('raw.csv', '1').md5 } },
  }
  await posted('/v1/lineage', {
    eventType: outcome,
    eventTime: new Date().toISOString(),
    producer,
    schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
    run: { runId },
    job: { namespace: 'airflow', name: 'extract' },
    inputs: [],
    outputs: outcome === 'COMPLETE' ? [raw] : [],
  })
}

interface Told {
  kind: string
  subject: string
  detail: string
  position?: number
}

test('a stage upstream of what the model was trained on ran otherwise: it is named, and one that ran as before is not', async () => {
  await projectThere()
  await extracted('COMPLETE', '0190a8e4-1111-7000-8000-000000000001')
  await prepared('first', 'EUR', '2')
  const runId = await staged('first', 'train', {
    deps: [file('features.csv', '2')],
    outs: [file('model.onnx', '3')],
  })
  await posted('/2.0/mlflow/registered-models/create', { name: 'pay' })
  const version = { name: 'pay', source: `runs:/${runId}/model`, run_id: runId }
  await posted('/2.0/mlflow/model-versions/create', version)
  // The same again is no news; then the amounts are made in cents.
  await prepared('again', 'EUR', '2')
  await prepared('other', 'cents', '4')
  await prepared('after', 'cents', '4')
  await extracted('FAIL', '0190a8e4-1111-7000-8000-000000000002')
  const endpoint = 'upstream'
  const hour = 3_600_000
  // The stages ran just now: the hour that the amounts change in is the one that is not over.
  const now = Math.floor(Date.now() / hour) * hour
  const iso = (at: number) => new Date(now + at * hour).toISOString()
  const reference = { from: iso(-5), to: iso(-2) }
  const hours = { window: { size: '1h', by: 'time' }, settle: '1h', reference }
  await ask('/endpoints', { name: endpoint, elsewhere: true, monitor: hours })
  for (let at = -5; at <= 0; at++) await payments(endpoint, now + at * hour, at === 0 ? 100 : 1)
  await ask(`/endpoints/${endpoint}/watermark`, { time: now + hour })
  const { causes } = await explained(endpoint, 'quality')
  const ranked = (causes?.ranked ?? []) as Told[]
  expect(ranked[0]).toMatchObject({ kind: 'column', subject: 'amount' })
  const steps = ranked.filter(({ detail }) => detail.includes(': upstream '))
  expect(steps).toMatchObject([
    {
      subject: 'external-run-finished',
      detail: upstream('job extract of airflow: its run failed'),
    },
    {
      subject: 'stage-run-finished',
      detail: upstream('stage prepare of pay: currency is cents, was EUR'),
    },
  ])
  expect(steps.every(({ kind, position }) => kind === 'event' && Number.isInteger(position))).toBe(
    true,
  )
}, 90_000)

function upstream(what: string): string {
  return expect.stringContaining(`upstream ${what}`) as string
}

async function payments(endpoint: string, startMs: number, times: number): Promise<void> {
  const random = seededDraws(startMs % 10_000)
  const predictions = Array.from({ length: 200 }, (_, index) => ({
    id: `${startMs}-${index}`,
    modelVersion: 'pay/1',
    time: Math.min(startMs + index * 100, Date.now()),
    inputs: { amount: (10 + random() * 5) * times, noise: random() },
    outputs: { probability: random() },
  }))
  await ask('/predictions', { endpoint, predictions })
}
