import type { Transact } from '#ledger'
import type { MonitorConfig } from '#projects'
import type { PredictionRow } from '#serving'
import type { Roles } from '#performance'
import type { KeptEstimator, KnownEstimator } from './parts/estimate-verdict.ts'
import type { MonitoringReads, MonitoringWrites } from './store.ts'
import type { Window } from './windows/window.ts'
import { workshopHere, type Workshop } from './work/workshop.ts'

export interface Estimators {
  /** Fitted once for a version, on the first of its windows whose labels have come, and kept. */
  of(version: {
    endpoint: string
    modelVersion: string
    monitor: MonitorConfig
    roles: Roles
  }): Promise<KnownEstimator>
}

/** Labelled predictions that an estimator is fitted on, unless the endpoint says otherwise. */
const ROWS = 1000

/** More would be no better. */
const ROWS_MAX = 20_000

const PAGE = 200

export function createEstimators(dependencies: {
  read: MonitoringReads
  transact: Transact<{ monitoring: MonitoringWrites }>
  workshop?: Workshop
  rows(
    endpoint: string,
    span: { fromMs: number; toMs: number },
  ): AsyncIterable<readonly PredictionRow[]>
}): Estimators {
  const { read, transact, workshop = workshopHere } = dependencies
  return {
    of: async ({ endpoint, modelVersion, monitor, roles }) => {
      const key = ['estimator', endpoint, modelVersion].join('/')
      const kept = await read.findEstimator(key)
      if (kept !== undefined) return { state: 'known', ...kept }
      const windows = await settledWindows(read, endpoint, modelVersion)
      const wanted = monitor.estimate?.rows ?? ROWS
      const labelled = await labelledRows(dependencies, windows, { modelVersion, wanted })
      if (labelled.length < wanted)
        return {
          state: 'unknown',
          reason: `${labelled.length} predictions of ${modelVersion} in settled windows have a label, it takes ${wanted} to learn from`,
        }
      const bench = await workshop.take(labelled)
      const fitted = await bench.do('fit', roles).finally(bench.close)
      if (fitted.state === 'unfit') return { state: 'unknown', reason: fitted.reason }
      const made: KeptEstimator = {
        estimator: fitted.estimator,
        fromMs: (labelled[0] as PredictionRow).eventMs,
        toMs: (labelled.at(-1) as PredictionRow).eventMs,
      }
      await transact(({ monitoring }) => monitoring.saveEstimator(key, made))
      return { state: 'known', ...made }
    },
  }
}

/** The windows of the version whose labels had their time, oldest first, from the last time it began to answer. */
async function settledWindows(
  read: MonitoringReads,
  endpoint: string,
  modelVersion: string,
): Promise<Window[]> {
  const found: Window[] = []
  let beforeMs: number | undefined
  for (;;) {
    const page = await read.windows(endpoint, {
      limit: PAGE,
      ...(beforeMs === undefined ? {} : { beforeMs }),
    })
    const others = page.findIndex((window) => window.modelVersion !== modelVersion)
    found.push(...(others === -1 ? page : page.slice(0, others)))
    beforeMs = page.at(-1)?.startMs
    if (page.length < PAGE || (others !== -1 && found.length > 0)) break
    if (others !== -1) found.length = 0
  }
  return found.filter(({ performance }) => performance !== null).toReversed()
}

async function labelledRows(
  { rows }: Parameters<typeof createEstimators>[0],
  windows: readonly Window[],
  { modelVersion, wanted }: { modelVersion: string; wanted: number },
): Promise<PredictionRow[]> {
  const found: PredictionRow[] = []
  for (const { endpoint, startMs: fromMs, endMs: toMs } of windows) {
    for await (const page of rows(endpoint, { fromMs, toMs })) {
      for (const row of page)
        if (row.modelVersion === modelVersion && row.label !== null) found.push(row)
      if (found.length >= ROWS_MAX) return found.slice(0, ROWS_MAX)
    }
    if (found.length >= wanted) return found
  }
  return found
}
