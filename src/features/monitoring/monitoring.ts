import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import { platformActor, type Transact } from '#ledger'
import { durationMs, type MonitorConfig } from '#projects'
import type { Endpoint, PredictionQueries, PredictionRow } from '#serving'
import type { Handler, NewJob, WorkWrites } from '#work'
import type { Alert } from './findings.ts'
import { createEstimators } from './estimators.ts'
import { evaluate, timingOf } from './evaluate.ts'
import { createReferences, type Cut, type KnownReference } from './reference.ts'
import type { AskRows, Profiler, Score, TrainingData } from './sources.ts'
import type { AlertPage, MonitoringReads, MonitoringWrites, WindowPage } from './store.ts'
import { lateLooks } from './lateness.ts'
import { endsBy, reachedBy } from './plan.ts'
import type { Progress, Window } from './window.ts'

export interface Monitoring {
  /** Looks for windows that are over and asks for their evaluation. Asking twice is asking once. */
  tick(): Promise<void>
  /** Evaluates what `tick` asked for. */
  readonly handler: Handler
  /** Newest first. Throws `not-found` for an unknown endpoint. */
  windows(endpoint: string, page: WindowPage): Promise<Window[]>
  /** Throws `not-found`. */
  window(endpoint: string, startMs: number): Promise<Window>
  alerts(page: AlertPage): Promise<Alert[]>
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
  readonly profiler: Profiler
  readonly score: Score
  readonly askRows: AskRows
  readonly clock: Clock
}

export const EVALUATE_WINDOWS = 'evaluate-windows'

/** Who acts when windows are judged. */
const MONITORS = platformActor('monitors')

/** Rows of the log that are read at a time. */
const PAGE = 20_000

/** An endpoint that names no column of event time is compared with training data as a whole. */
const DEFAULT_CUT: Cut = { timeColumn: null, windowMs: 86_400_000 }

interface Ends {
  readonly endpoint: string
  readonly closedMs: number
  readonly settledMs: number
}

export function createMonitoring(dependencies: MonitoringDependencies): Monitoring {
  const { read, transact, endpoints, predictions, clock } = dependencies
  const references = createReferences(dependencies)
  const estimators = createEstimators({
    read,
    transact,
    rows: (endpoint, span) => liveRows(predictions, endpoint, span),
  })
  const asked = new Set<string>()

  const looks = lateLooks(dependencies)
  const dueAt = async (endpoint: Endpoint): Promise<NewJob | undefined> => {
    const { name, monitor } = endpoint
    if (monitor === null) return undefined
    const watermarkMs = await predictions.watermark(name)
    if (watermarkMs === null) return undefined
    const done = await read.progress(name)
    const { sizeMs } = timingOf(monitor)
    const pace = { watermarkMs, closedMs: done.closedMs }
    const arrival = monitor.window.by === undefined
    const reachedMs = reachedBy(pace, clock.nowMs(), { sizeMs, arrival })
    const ends = endsBy(reachedMs, timingOf(monitor))
    const late = isBehind(done, ends) ? undefined : await looks(name, monitor)
    const job = evaluationJob({ endpoint: name, ...ends }, late)
    if (asked.has(job.key)) return undefined
    return isBehind(done, ends) || late !== undefined ? job : undefined
  }

  const run: Handler['run'] = async (job, signal) => {
    const { endpoint: name, ...ends } = job.payload as unknown as Ends
    const isIt = (each: Endpoint) => each.name === name
    const endpoint = (await endpoints()).find(isIt)
    if (endpoint === undefined || endpoint.monitor === null) return
    const { monitor } = endpoint
    await evaluate({
      endpoint: name,
      monitor,
      ends,
      signal,
      actor: MONITORS,
      ...dependencies,
      reference: (version) => references.of(version, cutOf(monitor)),
      estimator: (modelVersion, roles) =>
        estimators.of({ endpoint: name, modelVersion, monitor, roles }),
      rows: (span) => liveRows(predictions, name, span),
      isLive: async (version) => answers((await endpoints()).find(isIt), version),
    })
  }

  return {
    tick: async () => {
      const due = await Promise.all((await endpoints()).map(dueAt))
      const jobs = due.filter((job) => job !== undefined)
      if (jobs.length === 0) return
      await transact(({ work }) => work.enqueue(jobs))
      for (const { key } of jobs) asked.add(key)
    },
    handler: { kind: EVALUATE_WINDOWS, concurrency: 1, attemptsMax: 20, run },
    windows: async (endpoint, page) => {
      const windows = await read.windows(endpoint, page)
      if (windows.length > 0 || (await endpoints()).some(({ name }) => name === endpoint))
        return windows
      throw new Problem('not-found', `there is no endpoint ${endpoint}`)
    },
    window: async (endpoint, startMs) => {
      const window = await read.findWindow(endpoint, startMs)
      if (window === undefined)
        throw new Problem(
          'not-found',
          `no window of ${endpoint} that starts at ${new Date(startMs).toISOString()} was evaluated`,
        )
      return window
    },
    alerts: (page) => read.alerts(page),
    reference: async (model, version) => {
      const monitor = (await endpoints()).find((each) => asksFor(each, model))?.monitor
      return references.of(
        { model, version },
        monitor === undefined || monitor === null ? DEFAULT_CUT : cutOf(monitor),
      )
    },
    labelledRows: async function* (endpoint, span) {
      for await (const page of liveRows(predictions, endpoint, span))
        yield* page.filter((row) => row.label !== null)
    },
  }
}

function cutOf(monitor: MonitorConfig): Cut {
  return { timeColumn: monitor.window.by ?? null, windowMs: timingOf(monitor).sizeMs }
}

function isBehind({ closedMs, settledMs }: Progress, ends: Omit<Ends, 'endpoint'>): boolean {
  return (closedMs ?? -Infinity) < ends.closedMs || (settledMs ?? -Infinity) < ends.settledMs
}

/** One that is asked for because something came late is another one each time. */
function evaluationJob(ends: Ends, lookedMs: number | undefined): NewJob {
  const { endpoint, closedMs, settledMs } = ends
  return {
    kind: EVALUATE_WINDOWS,
    key: [EVALUATE_WINDOWS, endpoint, closedMs, settledMs, lookedMs ?? []].flat().join(':'),
    payload: { endpoint, closedMs, settledMs },
  }
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

async function* liveRows(
  predictions: PredictionQueries,
  endpoint: string,
  span: { fromMs: number; toMs: number },
): AsyncGenerator<readonly PredictionRow[]> {
  let after: string | undefined
  do {
    const page = await predictions.window(endpoint, {
      ...span,
      role: 'live',
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    })
    yield page.rows
    after = page.next ?? undefined
  } while (after !== undefined)
}
