import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'

// What a project promises of its training data is held against what its models are asked.

let server: TestServer
let folder: string
beforeAll(async () => {
  server = await startTestServer()
  folder = await mkdtemp(join(tmpdir(), 'orrery-promised-'))
  await projectIn(join(folder, 'origin'))
  await ask('POST', '/projects', { origin: join(folder, 'origin') })
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 5)

const PROJECT = `project: shop
contracts:
  data/orders.csv: contracts/orders.odcs.yaml
endpoints:
  named:
    elsewhere: true
    monitor: { window: { size: 1h }, settle: 1h, min_samples: 50, contract: ./contracts/orders.odcs.yaml }
  traced:
    elsewhere: true
    monitor: { window: { size: 1h }, settle: 1h, min_samples: 50 }
  unpromised:
    elsewhere: true
    monitor: { window: { size: 1h }, settle: 1h, min_samples: 50, contract: ../../../etc/passwd }
`

const CONTRACT = `apiVersion: v3.1.0
kind: DataContract
id: orders
name: orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    physicalName: data/orders.csv
    quality:
      - { metric: rowCount, mustBeGreaterThan: 1000 }
    properties:
      - { name: order, logicalType: integer, required: true, primaryKey: true }
      - name: amount
        logicalType: number
        required: true
        logicalTypeOptions: { minimum: 0, maximum: 500 }
      - name: currency
        logicalType: string
        required: true
        logicalTypeOptions: { pattern: '^[A-Z]{3}$' }
      - { name: placed, logicalType: timestamp }
`

async function projectIn(origin: string): Promise<void> {
  await mkdir(join(origin, 'contracts'), { recursive: true })
  await writeFile(join(origin, 'orrery.yaml'), PROJECT)
  await writeFile(join(origin, 'contracts', 'orders.odcs.yaml'), CONTRACT)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', ...args], {
      cwd: origin,
    })
  git('init', '--quiet', '--initial-branch=main')
  git('add', '--all')
  git('commit', '--quiet', '--message', 'Start')
}

async function ask<T>(method: string, path: string, body?: unknown, api = '/api/v1'): Promise<T> {
  const answer = await fetch(`${server.url}${api}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const json = (await answer.json()) as T
  if (!answer.ok) throw new Error(JSON.stringify(json))
  return json
}

/** Four rules are broken: by every fifth currency, two amounts, a gap, and an order that is there three times. */
async function tellOrders(endpoint: string, modelVersion: string): Promise<void> {
  await ask('POST', '/predictions', {
    endpoint,
    modelVersion,
    predictions: Array.from({ length: 100 }, (_, at) => ({
      id: `${endpoint}-${at}`,
      time: START + at * 1000,
      inputs: {
        order: at === 8 || at === 9 ? 7 : at,
        amount: at === 3 ? -1 : at === 4 ? 9000 : at === 5 ? null : at / 2,
        currency: at % 5 === 0 ? 'euro' : 'EUR',
        placed: '2026-01-04T10:00:00Z',
      },
      outputs: { probability: at / 100 },
    })),
  })
  await ask('POST', `/endpoints/${endpoint}/watermark`, { time: START + 2 * HOUR })
}

interface Found {
  quality?: {
    state: string
    issues: {
      rule?: string
      column: string
      severity: string
      share: number
      detail: string
      examples?: { prediction: string | null; values: object; rows?: number }[]
    }[]
    unchecked: { what: string; reason: string }[]
    contract?: { file: string; rules: number }
  }
}

async function judged(endpoint: string): Promise<NonNullable<Found['quality']>> {
  const path = `/endpoints/${endpoint}/windows/${new Date(START).toISOString()}`
  const window = async () => ask<Found>('GET', path).catch((): Found => ({}))
  await expect.poll(async () => (await window()).quality, { timeout: 30_000 }).toBeDefined()
  return (await window()).quality as NonNullable<Found['quality']>
}

test('a contract that an endpoint names is held against what was asked, rule by rule, with predictions that break it', async () => {
  await tellOrders('named', 'scorecard')
  const { issues, unchecked, contract } = await judged('named')
  expect(contract).toEqual({ file: 'contracts/orders.odcs.yaml', rules: expect.any(Number) })
  const broken = issues.map(({ rule, share }) => [rule, share])
  expect(broken).toEqual([
    ['orders.amount.nulls', 0.01],
    ['orders.amount.range', 0.02],
    ['orders.currency.pattern', 0.2],
    ['orders.order.duplicates', 0.02],
  ])
  const range = issues.find(({ rule }) => rule === 'orders.amount.range')
  expect(range).toMatchObject({
    column: 'amount',
    severity: 'warning',
    detail: expect.stringMatching(/2 of 100 rows \(2 %\) break it: ≥ 0 and ≤ 500/),
    examples: [
      { prediction: expect.stringMatching(/-3$/), values: { amount: -1 } },
      { prediction: expect.stringMatching(/-4$/), values: { amount: 9000 } },
    ],
  })
  expect(issues.at(-1)?.examples).toEqual([{ prediction: null, values: { order: 7 }, rows: 3 }])
  const rows = unchecked.find(({ what }) => what === 'orders.rows')
  expect(rows?.reason).toMatch(/how many rows the whole dataset has/)
})

test('a version that a pipeline made is held to the contract of what its training data was made of', async () => {
  const run = { id: 'made', project: 'shop', commit: null, dirty: false, branch: null, stages: [] }
  await ask('POST', '/pipeline-runs', run)
  const data = (path: string, digit: string) => ({ path, md5: digit.repeat(32), sizeBytes: 1 })
  const stage = async (name: string, dep: string, out: string) => {
    const started = await ask<{ runId: string }>('POST', '/pipeline-runs/made/stages', {
      stage: name,
      command: name,
      params: {},
      deps: [data(dep, '1')],
      environment: null,
    })
    await ask('POST', `/pipeline-runs/made/stages/${name}/finish`, {
      outcome: 'succeeded',
      reason: null,
      outs: [data(out, '2')],
      metrics: {},
      logTail: '',
    })
    return started.runId
  }
  await stage('prepare', 'data/orders.csv', 'prepared/train.csv')
  const run_id = await stage('train', 'prepared/train.csv', 'model.onnx')
  const mlflow = '/api/2.0/mlflow'
  await ask('POST', '/registered-models/create', { name: 'credit' }, mlflow)
  const version = { name: 'credit', source: `runs:/${run_id}/model`, run_id }
  await ask('POST', '/model-versions/create', version, mlflow)

  await tellOrders('traced', 'credit/1')
  const { issues, contract } = await judged('traced')
  expect(contract?.file).toBe('contracts/orders.odcs.yaml')
  expect(issues.map(({ rule }) => rule)).toContain('orders.currency.pattern')
})

test('a contract outside of the project is not read, and the window says so', async () => {
  await tellOrders('unpromised', 'scorecard')
  const path = `/endpoints/unpromised/windows/${new Date(START).toISOString()}`
  const quality = async () => (await ask<Found>('GET', path).catch((): Found => ({}))).quality
  await expect.poll(quality, { timeout: 30_000 }).toMatchObject({ state: 'skipped' })
  expect(JSON.stringify(await quality())).toMatch(
    /there is no contract \.\.\/\.\.\/\.\.\/etc\/passwd/,
  )
})
