import type { OverviewWire } from '#protocols/api/overview-wire'
import { expect, test } from 'vitest'
import { headline, stationOf, stationsOf, STATION_IDS } from './stations.ts'

const NOTHING: OverviewWire = {
  version: '1',
  projects: [],
  datasets: [],
  pipelineRuns: [],
  run: null,
  champion: null,
  registered: null,
  promotions: [],
  endpoints: [],
  monitors: [],
  marks: [],
  policyRuns: [],
  ledger: { size: 0, signed: null, newest: [] },
}

const told = (overview: Partial<OverviewWire>, id: string) => {
  const station = stationsOf({ ...NOTHING, ...overview }).find((each) => each.id === id)
  return `${station?.state}: ${station?.word}, ${station?.fact}`
}

test('before anything has happened each station tells what sets it going', () => {
  const stations = stationsOf(NOTHING)
  expect(stations.map(({ id }) => id)).toEqual([...STATION_IDS])
  expect(stations.every(({ state, fact }) => state === 'none' && fact !== '')).toBe(true)
})

test('a running pipeline names its stage and how far it is', () => {
  const stage = { reason: null, run: null, started: null, ended: null, metrics: {} }
  const run = {
    pipelineRun: 'p',
    project: null,
    commit: null,
    branch: null,
    state: 'running' as const,
    reason: null,
    started: '2026-01-01T00:00:00Z',
    ended: null,
    stages: [
      { ...stage, stage: 'prepare', state: 'skipped' as const },
      { ...stage, stage: 'train', state: 'running' as const },
      { ...stage, stage: 'evaluate', state: 'waiting' as const },
    ],
    position: 1,
  }
  expect(told({ pipelineRuns: [run] }, 'pipeline')).toBe('busy: running, train · 2 of 3')
})

test('a registered model that nothing has promoted is no champion', () => {
  const registered = { model: 'm', version: 1, at: '2026-01-01T00:00:00Z', position: 1 }
  expect(told({ registered }, 'model')).toBe('warning: no champion, m v1')
})

test('traffic of this moment says more than what was judged before', () => {
  const window = {
    start: '2026-01-01T00:00:00Z',
    end: '2026-01-02T00:00:00Z',
    predictions: 1200,
    labels: 0,
    settled: false,
    modelVersion: null,
    driftShare: null,
    prediction: null,
    metric: null,
    value: null,
    auc: null,
    low: null,
    high: null,
    unjudged: null,
  }
  const monitor = {
    endpoint: 'e',
    windows: [window],
    driftLimit: null,
    aucLimit: null,
    performanceLimit: null,
    drifted: [],
    driftedAt: null,
    alerts: [],
  }
  const overview = { ...NOTHING, monitors: [monitor] }
  const fact = (rowsPerSecond: number) =>
    stationsOf(overview, [
      { endpoint: 'e', requestsPerSecond: 1, rowsPerSecond, p50Ms: 1, p99Ms: 2 },
    ]).find(({ id }) => id === 'predictions')?.fact
  expect(fact(0)).toBe('1,200 judged')
  expect(fact(38.4)).toBe('38 rows/s')
})

test('a run is known by its usual metric, else by the first', () => {
  expect(headline({ brier: 0.17, roc_auc: 0.6534 })).toBe('roc_auc 0.653')
  expect(headline({ rows: 12_488, b: 1 })).toBe('b 1')
  expect(headline({})).toBe(null)
})

test.each([
  ['dataset-version-added', 'data'],
  ['stage-run-finished', 'pipeline'],
  ['run-ended', 'run'],
  ['model-alias-moved', 'model'],
  ['check-finished', 'checks'],
  ['rollout-completed', 'endpoint'],
  ['prediction-segment-sealed', 'predictions'],
  ['window-evaluated', 'monitors'],
  ['policy-fired', 'policies'],
  ['artifacts-deleted', undefined],
])('%s happens at %s', (type, station) => {
  expect(stationOf(type)).toBe(station)
})
