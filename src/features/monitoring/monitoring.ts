import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { platformActor, type Transact } from '#ledger'
import type { MonitorConfig } from '#projects'
import type { Endpoint, PredictionQueries, PredictionRow } from '#serving'
import type { Usage } from '#usage'
import type { Handler, WorkWrites } from '#work'
import type { Happenings } from './alerts/causes.ts'
import type { LiveContracts } from './contract/contract.ts'
import type { Alert } from './alerts/findings.ts'
import { createBacktests, type TryRule } from './backtest/backtests.ts'
import { comparedColumn, type ComparedColumn } from './references/compared.ts'
import { createEstimators } from './estimators.ts'
import { evaluate } from './windows/evaluate.ts'
import { timingOf } from './windows/plan.ts'
import { createReferences, type Cut, type KnownReference } from './references/reference.ts'
import { isNamed } from './references/columns.ts'
import { namedReferences } from './references/named.ts'
import type { AskRows, NamedData, Profiler, Score, TrainingData } from './sources.ts'
import type { AlertPage, MonitoringReads, MonitoringWrites, WindowPage } from './store.ts'
import { DEFAULT_MONITOR, monitorOf } from './default-monitor.ts'
import { EVALUATE_WINDOWS, evaluationsDue, type Ends } from './windows/due.ts'
import { liveRows } from './windows/live-rows.ts'
import { pastReferences } from './references/past.ts'
import { createStructures } from './references/structures.ts'
import type { Sources } from './windows/view.ts'
import type { Window } from './windows/window.ts'
import type { Workshop } from './work/workshop.ts'

export interface Monitoring {
  /** Looks for windows that are over and asks for their evaluation. Asking twice is asking once. */
  tick(): Promise<void>
  /** Evaluates what `tick` asked for. */
  readonly handler: Handler
  /** Newest first. Throws `not-found` for an unknown endpoint. */
  windows(endpoint: string, page: WindowPage): Promise<Window[]>
  /** Throws `not-found`. */
  window(endpoint: string, startMs: number): Promise<Window>
  /** How an endpoint is watched. Throws `not-found`. */
  monitor(endpoint: string): Promise<MonitorConfig>
  /** One column of a window beside its reference; null for what was answered. Throws `not-found`. */
  compared(endpoint: string, startMs: number, feature: string | null): Promise<ComparedColumn>
  /** What a rule would have raised. */
  readonly backtest: TryRule
  alerts(page: AlertPage): Promise<Alert[]>
  /** With its causes, where they are found. Throws `not-found`. */
  alert(id: string): Promise<Alert>
  /** What a version was trained on, as the monitors compare with it. */
  reference(model: string, version: number): Promise<KnownReference>
  /** Live predictions with a label, in the order of event time. */
  labelledRows(
    endpoint: string,
    span: { fromMs: number; toMs: number },
  ): AsyncIterable<PredictionRow>
}

export interface MonitoringDependencies {
  readonly read: MonitoringReads
  readonly transact: Transact<{ monitoring: MonitoringWrites; work: WorkWrites }>
  readonly endpoints: () => Promise<readonly Endpoint[]>
  readonly predictions: PredictionQueries
  readonly trainingData: TrainingData
  /** Without it no monitor's reference is data that it names. */
  readonly namedData?: NamedData
  readonly profiler: Profiler
  readonly score: Score
  readonly happenings: Happenings
  readonly askRows: AskRows
  /** Without it no window is held against a contract. */
  readonly contracts?: LiveContracts
  /** Without it windows are judged in the caller's thread. */
  readonly workshop?: Workshop
  /** Without it nothing is known of failures, processors and memory. */
  readonly usage?: Usage['hours']
  readonly clock: Clock
}

/** With the waits between them these are minutes: long enough for a database or a disk that is away. */
const TRIES_OF_A_PART = 6

/** Who acts when windows are judged. */
const MONITORS = platformActor('monitors')

export function createMonitoring(dependencies: MonitoringDependencies): Monitoring {
  const { transact, endpoints, predictions } = dependencies
  const references = createReferences(dependencies)
  const estimators = createEstimators({ ...dependencies, rows: liveRowsOf(predictions) })
  const named = namedReferences(dependencies)
  const structures = createStructures({ references, named, predictions, cutOf })
  const ofPast = pastReferences(predictions)
  const dueJobs = evaluationsDue(dependencies)

  const sourcesOf = (name: string, monitor: MonitorConfig): Sources => ({
    ...dependencies,
    endpoint: name,
    monitor,
    reference: (version, span) => {
      const { reference } = monitor
      if (isNamed(reference)) return named.of(name, { monitor, version, reference })
      return ofPast(name, { monitor, version, span }) ?? references.of(version, cutOf(monitor))
    },
    structure: (version, span) => structures(name, { monitor, version, span }),
    estimator: (modelVersion, roles) =>
      estimators.of({ endpoint: name, modelVersion, monitor, roles }),
    rows: (span) => liveRows(predictions, name, span),
  })
  const run: Handler['run'] = async (job, signal) => {
    const { endpoint: name, ...ends } = job.payload as unknown as Ends
    const isIt = (each: Endpoint) => each.name === name
    const endpoint = (await endpoints()).find(isIt)
    if (endpoint === undefined) return
    await evaluate({
      ...sourcesOf(name, monitorOf(endpoint)),
      ...dependencies,
      ends,
      signal,
      actor: MONITORS,
      isTriedOften: job.attempts >= TRIES_OF_A_PART,
      isLive: async (version) => answers((await endpoints()).find(isIt), version),
    })
  }
  return {
    tick: async () => {
      const { jobs, asked } = await dueJobs()
      if (jobs.length === 0) return
      await transact(({ work }) => work.enqueue(jobs))
      asked()
    },
    handler: { kind: EVALUATE_WINDOWS, concurrency: 1, attemptsMax: 20, run },
    ...readsOf(dependencies, sourcesOf),
    reference: async (model, version) => {
      const endpoint = (await endpoints()).find((each) => asksFor(each, model))
      const monitor = endpoint === undefined ? DEFAULT_MONITOR : monitorOf(endpoint)
      return references.of({ model, version }, cutOf(monitor))
    },
    labelledRows: async function* (endpoint, span) {
      for await (const page of liveRows(predictions, endpoint, span))
        yield* page.filter((row) => row.label !== null)
    },
  }
}

/** What was found, to be read. */
function readsOf(
  { read, endpoints, predictions }: MonitoringDependencies,
  sourcesOf: (name: string, monitor: MonitorConfig) => Sources,
): Pick<
  Monitoring,
  'windows' | 'window' | 'monitor' | 'compared' | 'backtest' | 'alerts' | 'alert'
> {
  const monitorAt = async (name: string): Promise<MonitorConfig> => {
    const endpoint = (await endpoints()).find((each) => each.name === name)
    if (endpoint === undefined) throw new Problem('not-found', `there is no endpoint ${name}`)
    return monitorOf(endpoint)
  }
  const windowOf = async (endpoint: string, startMs: number): Promise<Window> => {
    const window = await read.findWindow(endpoint, startMs)
    if (window !== undefined) return window
    const start = new Date(startMs).toISOString()
    const what = `no window of ${endpoint} that starts at ${start} was evaluated`
    throw new Problem('not-found', what)
  }

  return {
    windows: async (endpoint, page) => {
      const windows = await read.windows(endpoint, page)
      if (windows.length === 0) await monitorAt(endpoint)
      return windows
    },
    window: windowOf,
    monitor: monitorAt,
    compared: async (name, startMs, feature) => {
      const sources = sourcesOf(name, await monitorAt(name))
      return comparedColumn(sources, await windowOf(name, startMs), feature)
    },
    backtest: createBacktests({ read, predictions }, { monitorAt, sourcesOf }),
    alerts: (page) => read.alerts(page),
    alert: async (id) => {
      const alert = await read.findAlert(id)
      if (alert !== undefined) return alert
      throw new Problem('not-found', `there is no alert ${id}; list them with \`orrery alerts\``)
    },
  }
}

function cutOf(monitor: MonitorConfig): Cut {
  return { timeColumn: monitor.window.by ?? null, windowMs: timingOf(monitor).sizeMs }
}

function asksFor(endpoint: Endpoint, model: string): boolean {
  return endpoint.live?.model === model || endpoint.model.startsWith(`models:/${model}@`)
}

function answers(endpoint: Endpoint | undefined, version: string): boolean {
  // Which of its versions another system asks is seen by what it tells of.
  if (endpoint?.elsewhere === true) return true
  const live = endpoint?.live ?? undefined
  return live !== undefined && `${live.model}/${live.version}` === version
}

function liveRowsOf(predictions: PredictionQueries) {
  return (endpoint: string, span: { fromMs: number; toMs: number }) =>
    liveRows(predictions, endpoint, span)
}
