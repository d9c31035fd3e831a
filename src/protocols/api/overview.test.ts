import fc from 'fast-check'
import Fastify, { type FastifyInstance } from 'fastify'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Compile } from 'typebox/compile'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { createLedger, platformActor, type Fact } from '#ledger'
import { openSqlStore, type SqlStore } from '#stores/sql/index'
import { OverviewWire } from './overview-wire.ts'
import { overviewRoutes } from './overview.ts'

const SERVER = platformActor('server')
const isOverview = Compile(OverviewWire)

let home: string
let store: SqlStore
let app: FastifyInstance
let sign: () => Promise<string>
const clock = manualClock()

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-overview-'))
  store = await openSqlStore(join(home, 'orrery.db'), { clock, ids: countedIds() })
  const key = { name: 'orrery', privateKey: generateKeyPairSync('ed25519').privateKey }
  const ledger = createLedger({
    read: store.read.ledger,
    transact: (work) => store.transact(work),
    clock,
    key,
  })
  sign = () => ledger.checkpoint()
  app = Fastify()
  overviewRoutes(app, { version: '1.0.0', ledger })
})
afterEach(async () => {
  await app.close()
  await store.close()
  await rm(home, { recursive: true, force: true })
})

async function tell(...facts: Fact[]): Promise<void> {
  clock.advance(1000)
  await store.transact(({ ledger }) => ledger.append(SERVER, facts))
}

async function overview(): Promise<OverviewWire> {
  const answer = await app.inject('/overview')
  expect(answer.statusCode).toBe(200)
  return answer.json()
}

describe('the overview', () => {
  test('of an empty ledger is empty, not broken', async () => {
    const empty = await overview()
    expect(isOverview.Check(empty)).toBe(true)
    expect(empty).toMatchObject({ champion: null, run: null, endpoints: [], pipelineRuns: [] })
    expect(empty.ledger).toMatchObject({ size: 0, signed: null })
  })

  test('is not sent again while the ledger and its signed head stay as they are', async () => {
    await tell({ type: 'project-added', data: { project: 'p', commit: 'c1' } })
    const first = await app.inject('/overview')
    const headers = { 'if-none-match': String(first.headers.etag) }
    expect((await app.inject({ url: '/overview', headers })).statusCode).toBe(304)
    await sign()
    const signed = await app.inject({ url: '/overview', headers })
    expect(signed.statusCode).toBe(200)
    expect(signed.json<OverviewWire>().ledger.signed?.size).toBe(1)
  })

  test('tells stages as waiting, running, skipped and finished', async () => {
    const pipelineRun = 'r1'
    await tell(
      {
        type: 'pipeline-run-started',
        data: { pipelineRun, stages: ['prepare', 'check', 'train', 'evaluate'] },
      },
      { type: 'stage-skipped', data: { pipelineRun, stage: 'check', reason: 'nothing changed' } },
      { type: 'stage-run-started', data: { pipelineRun, stage: 'prepare', run: 'a' } },
    )
    await tell(
      {
        type: 'stage-run-finished',
        data: {
          pipelineRun,
          stage: 'prepare',
          run: 'a',
          outcome: 'succeeded',
          metrics: { rows: 3 },
        },
      },
      { type: 'stage-run-started', data: { pipelineRun, stage: 'train', run: 'b' } },
    )
    const [run] = (await overview()).pipelineRuns
    expect(run?.state).toBe('running')
    expect(run?.stages.map(({ stage, state }) => `${stage} ${state}`)).toEqual([
      'prepare succeeded',
      'check skipped',
      'train running',
      'evaluate waiting',
    ])
    expect(run?.stages[0]?.metrics).toEqual({ rows: 3 })
  })

  test('tells what somebody cancelled apart from what failed', async () => {
    const data = { pipelineRun: 'r1', stages: ['train'] }
    const own = { policyRun: 'nightly-7', policy: 'nightly', endpoint: null, cause: 0 }
    await tell({ type: 'policy-fired', data: own })
    await tell({ type: 'pipeline-run-started', data })
    await tell({ type: 'stage-run-started', data: { ...data, stage: 'train', run: 'a' } })
    const end = { outcome: 'killed', reason: 'it was cancelled' }
    await tell({ type: 'stage-run-finished', data: { ...data, stage: 'train', run: 'a', ...end } })
    await tell({ type: 'pipeline-run-finished', data: { ...data, ...end } })
    await tell({ type: 'policy-run-finished', data: { ...own, outcome: 'cancelled' } })
    const told = await overview()
    expect(isOverview.Check(told)).toBe(true)
    expect(told.pipelineRuns).toMatchObject([{ state: 'killed', stages: [{ state: 'killed' }] }])
    expect(told.policyRuns).toMatchObject([{ state: 'cancelled' }])
  })

  test('names the champion with the promotion and the checks that made it so', async () => {
    const promotion = { promotion: 'p1', model: 'm', version: 2, alias: 'champion', replaced: 1 }
    await tell(
      { type: 'model-version-registered', data: { model: 'm', version: 2, run: 'r2' } },
      { type: 'promotion-requested', data: promotion },
      {
        type: 'check-finished',
        data: {
          promotion: 'p1',
          check: 'better than champion',
          passed: true,
          reason: 'better',
          evidence: { metric: 'roc_auc', candidate: 0.7, champion: 0.6, ciLow: 0.05, ciHigh: 0.15 },
        },
      },
      { type: 'promotion-accepted', data: { ...promotion, reasons: [] } },
      {
        type: 'model-alias-moved',
        data: { model: 'm', alias: 'champion', version: 2, from: 1, promotion: 'p1' },
      },
      { type: 'model-alias-moved', data: { model: 'm', alias: 'newest', version: 3 } },
    )
    const { champion } = await overview()
    expect(champion).toMatchObject({ model: 'm', version: 2, run: 'r2' })
    expect(champion?.promotion?.checks[0]?.comparison).toMatchObject({ candidate: 0.7, low: 0.05 })
  })

  test('has one window a day, completed by what is learned later', async () => {
    const window = { endpoint: 'e', start: '2013-03-01T00:00:00Z', end: '2013-03-02T00:00:00Z' }
    await tell(
      {
        type: 'endpoint-declared',
        data: { endpoint: 'e', monitor: { drift: { alert_share: 0.3 } } },
      },
      { type: 'window-evaluated', data: { ...window, state: 'provisional', driftShare: 0.4 } },
      {
        type: 'window-evaluated',
        data: { ...window, state: 'settled', auc: 0.7, ciLow: 0.6, ciHigh: 0.8, labels: 90 },
      },
    )
    const [monitor] = (await overview()).monitors
    expect(monitor?.driftLimit).toBe(0.3)
    expect(monitor?.windows).toHaveLength(1)
    expect(monitor?.windows[0]).toMatchObject({
      driftShare: 0.4,
      metric: 'roc_auc',
      value: 0.7,
      auc: 0.7,
      settled: true,
    })
  })

  test('tells by which metric a window was measured, whatever the task', async () => {
    const window = { endpoint: 'e', start: '2013-03-01T00:00:00Z', end: '2013-03-02T00:00:00Z' }
    const performance = { metrics: [{ metric: 'rmse', max: 12 }] }
    await tell(
      { type: 'endpoint-declared', data: { endpoint: 'e', monitor: { performance } } },
      {
        type: 'window-evaluated',
        data: { ...window, state: 'settled', metric: 'rmse', value: 9, ciLow: 8, ciHigh: 10 },
      },
    )
    const [monitor] = (await overview()).monitors
    expect(monitor?.performanceLimit).toEqual({ metric: 'rmse', min: null, max: 12 })
    expect(monitor?.aucLimit).toBeNull()
    expect(monitor?.windows[0]).toMatchObject({ metric: 'rmse', value: 9, low: 8, auc: null })
  })

  test('lists an alert until it is cleared', async () => {
    const alert = { endpoint: 'e', kind: 'drift', detail: '5 of 13' }
    await tell({ type: 'endpoint-declared', data: { endpoint: 'e' } })
    await tell({ type: 'alert-raised', data: alert })
    expect((await overview()).monitors[0]?.alerts).toHaveLength(1)
    await tell({ type: 'alert-cleared', data: alert })
    expect((await overview()).monitors[0]?.alerts).toEqual([])
  })

  test('follows a policy from its cause to the decision', async () => {
    await tell({ type: 'drift-detected', data: { endpoint: 'e', detail: '5 of 13 drifted' } })
    const policyRun = { kind: 'policy-run', id: 'pr1' } as const
    await tell({
      type: 'policy-fired',
      data: {
        policy: 'keep-fresh',
        policyRun: 'pr1',
        endpoint: 'e',
        cause: 0,
        causeType: 'drift-detected',
      },
    })
    expect((await overview()).policyRuns[0]).toMatchObject({
      state: 'retraining',
      cause: 'drift-detected',
      causePosition: 0,
      why: '5 of 13 drifted',
    })
    await tell(
      {
        type: 'promotion-requested',
        data: { promotion: 'p1', model: 'm', version: 2, alias: 'champion' },
        edges: [{ from: { kind: 'promotion', id: 'p1' }, relation: 'asked-for-by', to: policyRun }],
      },
      { type: 'promotion-refused', data: { promotion: 'p1', reasons: ['not better'] } },
    )
    expect((await overview()).policyRuns[0]).toMatchObject({
      state: 'refused',
      version: 2,
      reason: 'not better',
    })
  })

  test('holds whatever shape old facts have', async () => {
    const types = [
      'dataset-version-added',
      'pipeline-run-started',
      'stage-run-finished',
      'model-alias-moved',
      'promotion-requested',
      'check-finished',
      'endpoint-declared',
      'window-evaluated',
      'drift-detected',
      'alert-raised',
      'policy-fired',
    ]
    const keys = ['pipelineRun', 'stages', 'model', 'alias', 'version', 'endpoint', 'start', 'auc']
    const more = ['drifted', 'monitor', 'evidence', 'reasons', 'cause', 'metrics', 'driftShare']
    const data = fc.dictionary(fc.constantFrom(...keys, ...more), fc.jsonValue({ maxDepth: 2 }))
    const fact = fc.record({ type: fc.constantFrom(...types), data })
    await fc.assert(
      fc.asyncProperty(fc.array(fact, { minLength: 1, maxLength: 8 }), async (facts) => {
        await tell(...(facts as Fact[]))
        expect(isOverview.Check(await overview())).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})

test('traffic is empty where nobody measures it', async () => {
  expect((await app.inject('/overview/traffic')).json()).toEqual({ endpoints: [] })
})
