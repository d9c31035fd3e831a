import { createHash } from 'node:crypto'
import { platformActor, type Actor, type Edge, type Fact, type RefKind } from '#ledger'

export const USER: Actor = { kind: 'user', id: 'local' }
export const POLICY = platformActor('policy:keep-fresh')
export const SERVER = platformActor('server')

const PROJECT = 'flights'
const DATA = 'data/months'
const MODEL = 'flights-late'
const ENDPOINT = 'flights-late'
const FEATURES = ['temp', 'dewp', 'humid', 'pressure', 'wind_speed', 'hour', 'visib', 'distance']
const FEATURES_COMPARED = 13

export const DAY_MS = 86_400_000

// The facts of a year of flights, in the shapes in which the features write them.

export function projectTold(type: 'project-added' | 'project-synced', month: number): Fact {
  return {
    type,
    data: {
      project: PROJECT,
      commit: commitOf(month),
      branch: 'main',
      endpoints: [ENDPOINT],
      policies: ['keep-fresh'],
    },
  }
}

export function datasetAdded(month: number): Fact {
  const md5 = `${createHash('md5').update(`data ${month}`).digest('hex')}.dir`
  return {
    type: 'dataset-version-added',
    data: { project: PROJECT, path: DATA, md5, sizeBytes: 740_000 * month, files: month },
    edges: [
      edge('dataset-version', `${PROJECT}/${DATA}@${md5}`, 'versioned-in', [
        'commit',
        commitOf(month),
      ]),
    ],
  }
}

export function pipelineStarted(run: { id: string; month: number; cause: string | null }): Fact {
  const { id, month, cause } = run
  return {
    type: 'pipeline-run-started',
    data: {
      pipelineRun: id,
      project: PROJECT,
      commit: commitOf(month),
      dirty: false,
      branch: 'main',
      stages: ['prepare', 'train', 'evaluate'],
      cause,
    },
    edges: [
      edge('pipeline-run', id, 'at', ['commit', commitOf(month)]),
      ...(cause === null ? [] : [edge('pipeline-run', id, 'started-by', ['policy-run', cause])]),
    ],
  }
}

export function pipelineFinished(id: string): Fact {
  return {
    type: 'pipeline-run-finished',
    data: {
      pipelineRun: id,
      project: PROJECT,
      outcome: 'succeeded',
      reason: null,
      lockDigest: digestOf(`lock ${id}`),
      seconds: 3.1,
    },
  }
}

export function stageStarted(stage: { pipelineRun: string; name: string; run: string }): Fact {
  const { pipelineRun, name, run } = stage
  return {
    type: 'stage-run-started',
    data: {
      pipelineRun,
      stage: name,
      run,
      deps: [{ path: DATA, md5: 'x' }],
      environment: digestOf('environment'),
      python: '3.11.7',
    },
    edges: [edge('run', run, 'stage-of', ['pipeline-run', pipelineRun])],
  }
}

export function stageFinished(stage: {
  pipelineRun: string
  name: string
  run: string
  metrics: Record<string, number>
}): Fact[] {
  const { pipelineRun, name, run, metrics } = stage
  return [
    {
      type: 'run-ended',
      data: {
        run,
        experiment: '1',
        status: 'finished',
        metricsDigest: digestOf(`metrics ${run}`),
        paramsDigest: digestOf(`params ${run}`),
      },
    },
    {
      type: 'stage-run-finished',
      data: {
        pipelineRun,
        stage: name,
        run,
        outcome: 'succeeded',
        reason: null,
        outs: [],
        metrics,
      },
    },
  ]
}

export function versionRegistered(version: number, run: string): Fact {
  return {
    type: 'model-version-registered',
    data: {
      model: MODEL,
      version,
      run,
      loggedModel: `m-${run}`,
      digest: digestOf(`model ${version}`),
      source: `runs:/${run}/model`,
      signature: { inputs: 'temp: double, hour: long', outputs: 'probability: double' },
    },
    edges: [edge('model-version', `${MODEL}/${version}`, 'logged-by', ['run', run])],
  }
}

/** What was asked of a promotion, and what its checks found. */
export interface ToldPromotion {
  readonly version: number
  readonly replaced: number | null
  readonly accepted: boolean
  readonly policyRun: string | null
  readonly eventMs: number | null
  readonly champion: number
  readonly gain: number
  readonly confidence: number
}

export function promotionRequested(told: ToldPromotion): Fact {
  const id = promotionId(told.version)
  return {
    type: 'promotion-requested',
    data: { ...promotionNames(told), replaced: told.replaced },
    edges:
      told.policyRun === null
        ? []
        : [edge('promotion', id, 'asked-for-by', ['policy-run', told.policyRun])],
    ...eventAt(told.eventMs),
  }
}

export function promotionDecided(told: ToldPromotion): Fact[] {
  const { version, replaced, accepted } = told
  const comparison = comparisonOf(told)
  const decision: Fact = {
    type: accepted ? 'promotion-accepted' : 'promotion-refused',
    data: { ...promotionNames(told), replaced, reasons: accepted ? [] : [comparison.reason] },
    ...eventAt(told.eventMs),
  }
  const move: Fact = {
    type: 'model-alias-moved',
    data: {
      model: MODEL,
      alias: 'champion',
      version,
      from: replaced,
      promotion: promotionId(version),
    },
  }
  return [
    checkFinished(told, {
      check: 'signature',
      passed: true,
      reason: 'the model states its inputs and outputs',
      evidence: {},
    }),
    checkFinished(told, {
      check: 'metric roc_auc',
      passed: true,
      reason: 'roc_auc is 0.7012; it must be at least 0.6',
      evidence: { name: 'roc_auc', value: 0.7012, min: 0.6, max: null },
    }),
    checkFinished(told, { check: 'better than champion', passed: accepted, ...comparison }),
    decision,
    ...(accepted ? [move] : []),
  ]
}

function checkFinished(told: ToldPromotion, result: Fact['data']): Fact {
  return {
    type: 'check-finished',
    data: { promotion: promotionId(told.version), ...result },
    ...eventAt(told.eventMs),
  }
}

function comparisonOf({ replaced, champion, gain, confidence }: ToldPromotion) {
  if (replaced === null)
    return {
      reason: 'nothing has the alias champion yet, so there is nothing to compare with',
      evidence: {},
    }
  const candidate = champion + gain
  return {
    reason: `roc_auc ${candidate.toFixed(4)} against ${champion.toFixed(4)} on 6214 labelled predictions that neither has seen: better by more than 0 with ${(confidence * 100).toFixed(1)} % confidence, 95.0 % is asked for`,
    evidence: {
      rows: 6214,
      metric: 'roc_auc',
      by: 0,
      asked: 0.95,
      candidate: rounded(candidate),
      champion: rounded(champion),
      difference: rounded(gain),
      ciLow: rounded(gain - 0.009),
      ciHigh: rounded(gain + 0.009),
      confidence: rounded(confidence),
    },
  }
}

function promotionNames({ version }: ToldPromotion) {
  return { promotion: promotionId(version), model: MODEL, version, alias: 'champion' }
}

export function endpointDeclared(): Fact {
  return {
    type: 'endpoint-declared',
    data: {
      endpoint: ENDPOINT,
      project: PROJECT,
      model: `models:/${MODEL}@champion`,
      shadows: [`models:/${MODEL}/1`],
      monitor: {
        window: { size: '1d', by: 'time_hour' },
        key: 'flight_id',
        label: 'late',
        settle: '1d',
        min_samples: 100,
        drift: { alert_share: 0.3, persistence: { windows: 3, of: 5 } },
        performance: { metric: 'roc_auc', min: 0.66, persistence: { windows: 3, of: 5 } },
      },
    },
  }
}

export function rolledOut(revision: number, version: number, from: number | null): Fact[] {
  const modelVersion = `${MODEL}/${version}`
  return [
    {
      type: 'revision-created',
      data: {
        endpoint: ENDPOINT,
        revision,
        role: 'live',
        modelVersion,
        digest: digestOf(`model ${version}`),
      },
      edges: [
        edge('revision', `${ENDPOINT}/${revision}`, 'serves', ['model-version', modelVersion]),
      ],
    },
    { type: 'rollout-completed', data: { endpoint: ENDPOINT, revision, from, modelVersion } },
  ]
}

export function segmentSealed(month: number): Fact {
  return {
    type: 'prediction-segment-sealed',
    data: {
      endpoint: ENDPOINT,
      segment: idOf(`segment ${month}`),
      rows: 27_900 + month * 37,
      digest: digestOf(`segment ${month}`),
      fromMs: Date.UTC(2013, month - 1, 1),
      toMs: Date.UTC(2013, month, 1),
    },
  }
}

/** A day at the endpoint, and how far it lay from the training data. */
export interface ToldWindow {
  readonly startMs: number
  readonly version: number
  readonly predictions: number
  readonly labels: number
  readonly drifted: number
  readonly auc: number
  readonly half: number
}

/** What is told of a window twice: when its day is over, and when its labels have had their time to come. */
export function windowEvaluated(told: ToldWindow, state: 'provisional' | 'settled'): Fact {
  const { startMs, version, predictions, labels, drifted, auc, half } = told
  const settled = state === 'settled'
  const start = new Date(startMs).toISOString()
  return {
    type: 'window-evaluated',
    data: {
      endpoint: ENDPOINT,
      start,
      end: new Date(startMs + DAY_MS).toISOString(),
      modelVersion: `${MODEL}/${version}`,
      state,
      predictions,
      labels: settled ? labels : 0,
      driftShare: rounded(drifted / FEATURES_COMPARED),
      drifted: driftedFeatures(drifted),
      prediction: drifted > 5 ? 'drifted' : 'same',
      driftSkipped: null,
      auc: settled ? rounded(auc) : null,
      ciLow: settled ? rounded(auc - half) : null,
      ciHigh: settled ? rounded(auc + half) : null,
      calibration: settled ? { error: 0.031 } : null,
      performanceSkipped: null,
    },
    edges: [edge('window', `${ENDPOINT}/${start}`, 'window-of', ['endpoint', ENDPOINT])],
    eventMs: startMs + (settled ? 2 : 1) * DAY_MS,
  }
}

function driftedFeatures(count: number) {
  return FEATURES.slice(0, count).map((feature, rank) => ({
    feature,
    value: rounded(0.42 * 0.76 ** rank),
    threshold: 0.1,
    statistic: feature === 'visib' ? 'jensen-shannon' : 'wasserstein',
  }))
}

export type Finding = 'drift' | 'performance'

export function found(kind: Finding, startMs: number, drifted: number): Fact {
  const window = windowId(startMs)
  return kind === 'drift'
    ? {
        type: 'drift-detected',
        data: {
          endpoint: ENDPOINT,
          window,
          share: rounded(drifted / FEATURES_COMPARED),
          features: driftedFeatures(drifted),
          detail: detailOf(kind, drifted),
        },
        eventMs: startMs + DAY_MS,
      }
    : {
        type: 'performance-fell',
        data: {
          endpoint: ENDPOINT,
          window,
          metric: 'roc_auc',
          value: 0.6493,
          ciLow: 0.6241,
          ciHigh: 0.6745,
          min: 0.66,
          detail: detailOf(kind, drifted),
        },
        eventMs: startMs + 2 * DAY_MS,
      }
}

function detailOf(kind: Finding, drifted: number): string {
  const names = FEATURES.slice(0, Math.min(5, drifted)).join(', ')
  return kind === 'drift'
    ? `${drifted} of ${FEATURES_COMPARED} features drifted (${names}), in at least 3 of the last 5 windows`
    : 'ROC-AUC 0.649 (0.624 to 0.675, 889 labels); below 0.66, in at least 3 of the last 5 windows'
}

export function alertTold(
  type: 'alert-raised' | 'alert-cleared',
  alert: { kind: Finding; raisedMs: number; startMs: number; drifted: number },
): Fact {
  const { kind, raisedMs, startMs, drifted } = alert
  return {
    type,
    data: {
      endpoint: ENDPOINT,
      kind,
      alert: idOf(`alert ${raisedMs}`),
      window: windowId(startMs),
      detail: detailOf(kind, drifted),
    },
    eventMs: startMs + DAY_MS,
  }
}

export function policyFired(policyRun: string, told: { cause: Finding; startMs: number }): Fact {
  return {
    type: 'policy-fired',
    data: {
      policyRun,
      project: PROJECT,
      policy: 'keep-fresh',
      endpoint: ENDPOINT,
      cause: null,
      causeType: told.cause === 'drift' ? 'drift-detected' : 'performance-fell',
    },
    edges: [edge('policy-run', policyRun, 'caused-by', ['window', windowId(told.startMs)])],
    eventMs: told.startMs + DAY_MS,
  }
}

export function policyRunFinished(
  policyRun: string,
  told: { version: number; pipelineRun: string; startMs: number },
): Fact {
  return {
    type: 'policy-run-finished',
    data: {
      policyRun,
      policy: 'keep-fresh',
      endpoint: ENDPOINT,
      outcome: 'succeeded',
      reason: null,
      pipelineRun: told.pipelineRun,
      modelVersion: `${MODEL}/${told.version}`,
      promotion: promotionId(told.version),
    },
    eventMs: told.startMs + DAY_MS,
  }
}

/** 26 characters that look like a ULID and are the same each time. */
export function idOf(text: string): string {
  return `01K${digestOf(text).slice(0, 23).toUpperCase()}`
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function promotionId(version: number): string {
  return idOf(`promotion ${version}`)
}

function commitOf(month: number): string {
  return digestOf(`commit ${month}`).slice(0, 40)
}

function windowId(startMs: number): string {
  return `${ENDPOINT}/${new Date(startMs).toISOString()}`
}

function edge(
  kind: RefKind,
  id: string,
  relation: string,
  [toKind, toId]: [RefKind, string],
): Edge {
  return { from: { kind, id }, relation, to: { kind: toKind, id: toId } }
}

function eventAt(eventMs: number | null): { eventMs?: number } {
  return eventMs === null ? {} : { eventMs }
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
