import type { OverviewWire, PipelineRunWire, TrafficWire } from '#protocols/api/overview-wire'
import { bytes, count, duration, percent, rate, score, shortened } from '#web/ui/format.ts'
import type { State } from '#web/ui/state.tsx'

export const STATION_IDS = [
  'data',
  'pipeline',
  'run',
  'model',
  'checks',
  'endpoint',
  'predictions',
  'monitors',
  'policies',
] as const

export type StationId = (typeof STATION_IDS)[number]

/** One stop of the loop: what it holds now, and how it stands, in words. */
export interface Station {
  readonly id: StationId
  readonly title: string
  readonly state: State
  readonly word: string
  readonly fact: string
}

type Standing = Omit<Station, 'id' | 'title'>

const TITLES: Readonly<Record<StationId, string>> = {
  data: 'Data',
  pipeline: 'Pipeline',
  run: 'Run',
  model: 'Model',
  checks: 'Checks',
  endpoint: 'Endpoint',
  predictions: 'Predictions',
  monitors: 'Monitors',
  policies: 'Policies',
}

/** What sets a station going that has nothing to tell yet. */
const FIRST: Readonly<Record<StationId, string>> = {
  data: 'orrery add',
  pipeline: 'orrery repro',
  run: 'any mlflow client',
  model: 'mlflow registers it',
  checks: 'orrery promote',
  endpoint: 'orrery project sync',
  predictions: 'ask the endpoint',
  monitors: 'predictions with truth',
  policies: 'policies in orrery.yaml',
}

const TELL: Readonly<
  Record<
    StationId,
    (
      overview: OverviewWire,
      traffic: readonly TrafficWire['endpoints'][number][],
    ) => Standing | null
  >
> = {
  data: ({ datasets: [dataset] }) =>
    dataset === undefined
      ? null
      : {
          state: 'good',
          word: 'versioned',
          fact: [
            shortened(dataset.version),
            dataset.sizeBytes === null ? '' : bytes(dataset.sizeBytes),
          ]
            .filter(Boolean)
            .join(' · '),
        },
  pipeline: ({ pipelineRuns: [run] }) => (run === undefined ? null : pipelineStanding(run)),
  run: (overview) => runStanding(overview),
  model: ({ champion, registered }) => {
    if (champion !== null)
      return { state: 'good', word: 'champion', fact: `${champion.model} v${champion.version}` }
    if (registered === null) return null
    return {
      state: 'warning',
      word: 'no champion',
      fact: `${registered.model} v${registered.version}`,
    }
  },
  checks: ({ promotions: [promotion] }) => {
    if (promotion === undefined) return null
    const passed = promotion.checks.filter((check) => check.passed).length
    const fact = `v${promotion.version} · ${passed} of ${promotion.checks.length} passed`
    if (promotion.state === 'checking')
      return { state: 'busy', word: 'checking', fact: `v${promotion.version}` }
    return promotion.state === 'accepted'
      ? { state: 'good', word: 'promoted', fact }
      : { state: 'warning', word: 'refused', fact }
  },
  endpoint: ({ endpoints: [endpoint] }) => {
    if (endpoint === undefined) return null
    if (endpoint.failure !== null)
      return { state: 'bad', word: 'rollout failed', fact: endpoint.endpoint }
    if (endpoint.revision === null)
      return { state: 'warning', word: 'not live yet', fact: endpoint.endpoint }
    return { state: 'good', word: 'live', fact: `revision ${endpoint.revision}` }
  },
  predictions: ({ monitors }, traffic) => {
    const rows = traffic.reduce((sum, each) => sum + each.rowsPerSecond, 0)
    if (rows > 0) return { state: 'good', word: 'answering', fact: `${rate(rows)} rows/s` }
    const judged = monitors.flatMap(({ windows }) => windows)
    const predictions = judged.reduce((sum, window) => sum + window.predictions, 0)
    return predictions === 0
      ? null
      : { state: 'good', word: 'logged', fact: `${count(predictions)} judged` }
  },
  monitors: ({ monitors }) => monitorStanding(monitors),
  policies: ({ policyRuns: [run] }) => {
    if (run === undefined) return null
    const fact = run.version === null ? run.policy : `${run.policy} → v${run.version}`
    const state = POLICY_STATE[run.state]
    return { state, word: run.state, fact }
  },
}

export const POLICY_STATE: Readonly<Record<OverviewWire['policyRuns'][number]['state'], State>> = {
  retraining: 'busy',
  checking: 'busy',
  promoted: 'good',
  refused: 'warning',
  failed: 'bad',
  cancelled: 'none',
  finished: 'good',
}

/** The stations in the order of the loop; one that has nothing to tell yet says so. */
export function stationsOf(
  overview: OverviewWire,
  traffic: readonly TrafficWire['endpoints'][number][] = [],
): Station[] {
  return STATION_IDS.map((id) => {
    const standing = TELL[id](overview, traffic)
    const { state, word, fact } = standing ?? {
      state: 'none',
      word: 'nothing yet',
      fact: FIRST[id],
    }
    return { id, title: TITLES[id], state, word, fact }
  })
}

function pipelineStanding(run: PipelineRunWire): Standing {
  if (run.state === 'failed') return { state: 'bad', word: 'failed', fact: run.reason ?? '' }
  if (run.state === 'killed') return { state: 'warning', word: 'killed', fact: run.reason ?? '' }
  if (run.state === 'succeeded')
    return {
      state: 'good',
      word: 'succeeded',
      fact: run.ended === null ? '' : `in ${duration(spanMs(run.started, run.ended))}`,
    }
  const done = run.stages.filter(({ state }) => state === 'succeeded' || state === 'skipped')
  const current = run.stages.find(({ state }) => state === 'running')
  const fact =
    current === undefined
      ? 'starting'
      : `${current.stage} · ${done.length + 1} of ${run.stages.length}`
  return { state: 'busy', word: 'running', fact }
}

function runStanding(overview: OverviewWire): Standing | null {
  const [pipeline] = overview.pipelineRuns
  const stage = pipeline?.stages.findLast(({ run }) => run !== null)
  const metric = headline(stage?.metrics ?? overview.run?.metrics ?? {})
  const fact = metric ?? shortened(stage?.run ?? overview.run?.run ?? '')
  if (stage?.state === 'running') return { state: 'busy', word: stage.stage, fact }
  if (stage?.state === 'failed') return { state: 'bad', word: 'failed', fact: stage.stage }
  if (overview.run === null)
    return stage === undefined ? null : { state: 'good', word: 'tracked', fact }
  const failed = overview.run.status === 'FAILED' || overview.run.status === 'failed'
  return { state: failed ? 'bad' : 'good', word: failed ? 'failed' : 'tracked', fact }
}

/** The metric that a run is known by: the usual ones first, else the first by name. */
export function headline(metrics: Readonly<Record<string, number>>): string | null {
  const usual = ['roc_auc', 'auc', 'accuracy', 'f1', 'r2', 'rmse', 'loss']
  const names = Object.keys(metrics)
  const name = usual.find((each) => names.includes(each)) ?? names.toSorted()[0]
  if (name === undefined) return null
  const value = metrics[name] ?? 0
  return `${name} ${Number.isInteger(value) ? count(value) : score(value)}`
}

function monitorStanding(monitors: OverviewWire['monitors']): Standing | null {
  const alerts = monitors.flatMap((monitor) => monitor.alerts)
  const [monitor] = monitors
  const judged = monitor?.windows.findLast((window) => window.driftShare !== null)
  const scored = monitor?.windows.findLast((window) => window.auc !== null)
  const fact = [
    typeof scored?.auc === 'number' ? `AUC ${score(scored.auc)}` : '',
    typeof judged?.driftShare === 'number' ? `drift ${percent(judged.driftShare)}` : '',
  ]
    .filter(Boolean)
    .join(' · ')
  const [alert] = alerts
  if (alert !== undefined) return { state: 'warning', word: `${alert.kind} alert`, fact }
  return judged === undefined && scored === undefined
    ? null
    : { state: 'good', word: 'watching', fact }
}

export function spanMs(start: string, end: string): number {
  return Math.max(0, Date.parse(end) - Date.parse(start))
}

const STATION_OF_FACT: readonly (readonly [RegExp, StationId])[] = [
  [/^(project|dataset)-/, 'data'],
  [/^(pipeline-run|stage)-/, 'pipeline'],
  [/^(run|experiment|logged-model)-/, 'run'],
  [/^(model|registered-model)-/, 'model'],
  [/^(promotion|check)-/, 'checks'],
  [/^(endpoint|revision|rollout|serving)-/, 'endpoint'],
  [/^(prediction|truth)-/, 'predictions'],
  [/^(window|drift|performance|alert)-/, 'monitors'],
  [/^policy-/, 'policies'],
]

/** The station at which a fact happens, or undefined for one that is on no station. */
export function stationOf(factType: string): StationId | undefined {
  return STATION_OF_FACT.find(([pattern]) => pattern.test(factType))?.[1]
}
