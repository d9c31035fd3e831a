import { Problem } from '#base/problem'
import type { Transact } from '#ledger'
import type { KeyValue } from './experiment.ts'
import { checkedInputs, type DatasetInput, type ModelOutput } from './input.ts'
import type { Metric } from './metric.ts'
import {
  assertActiveRun,
  checkedBatch,
  newParams,
  RUN_NAME_TAG,
  type Run,
  type RunBatch,
} from './run.ts'
import { runOf } from './runs.ts'
import { pageOf, type Page } from './search.ts'
import type { HistoryPage, MetricSample, TrackingReads, TrackingWrites } from './store.ts'

const MODEL_HISTORY_TAG = 'mlflow.log-model.history'

/** What runs tell while they run. All of it is refused with `conflict` for a deleted run. */
export interface RunLog {
  /** Writes all of the batch or, when any of it is wrong, nothing. */
  logBatch(runId: string, batch: RunBatch): Promise<void>
  logMetrics(runId: string, metrics: readonly Metric[]): Promise<void>
  /** A param is written once: throws `conflict` for another value. */
  logParams(runId: string, params: readonly KeyValue[]): Promise<void>
  setTags(runId: string, tags: readonly KeyValue[]): Promise<void>
  /** Throws `not-found` when there is no such tag. */
  deleteTag(runId: string, key: string): Promise<void>
  logInputs(
    runId: string,
    inputs: { datasets?: readonly DatasetInput[]; models?: readonly string[] },
  ): Promise<void>
  logOutputs(runId: string, models: readonly ModelOutput[]): Promise<void>
  /** Adds to the list of models that the run logged, which clients before MLflow 3 keep in a tag. */
  logModelHistory(runId: string, model: Readonly<Record<string, unknown>>): Promise<void>
  /** At most so many points, evenly taken, the first and the last among them. */
  sampleMetric(runId: string, sample: MetricSample): Promise<Metric[]>
  /** An unknown run or metric has no points. */
  metricHistory(runId: string, page: HistoryPage): Promise<Page<Metric>>
}

export function createRunLog({
  read,
  transact,
}: {
  read: TrackingReads
  transact: Transact<{ tracking: TrackingWrites }>
}): RunLog {
  const change = (runId: string, work: (tracking: TrackingWrites, run: Run) => Promise<void>) =>
    transact(async ({ tracking }) => {
      const run = await runOf(tracking, runId)
      assertActiveRun(run)
      await work(tracking, run)
    })

  const logBatch = async (runId: string, batch: RunBatch) => {
    const { metrics, params, tags } = checkedBatch(batch)
    return change(runId, async (tracking, run) => {
      if (params.length > 0) {
        const kept = await tracking.params(runId)
        await tracking.insertParams(runId, newParams(runId, kept, params))
      }
      if (metrics.length > 0) {
        await checkModels(tracking, metrics)
        await tracking.appendMetrics(run, metrics)
      }
      if (tags.length === 0) return
      await tracking.setRunTags(runId, tags)
      const name = tags.find((tag) => tag.key === RUN_NAME_TAG)?.value
      if (name !== undefined && name !== run.name) await tracking.saveRun({ ...run, name })
    })
  }

  return {
    logBatch,
    logMetrics: (runId, metrics) => logBatch(runId, { metrics }),
    logParams: (runId, params) => logBatch(runId, { params }),
    setTags: (runId, tags) => logBatch(runId, { tags }),
    deleteTag: (runId, key) =>
      change(runId, async (tracking) => {
        if (!(await tracking.deleteRunTag(runId, key)))
          throw new Problem('not-found', `the run ${runId} has no tag ${key}`)
      }),
    logInputs: async (runId, { datasets = [], models = [] }) => {
      checkedInputs(datasets)
      return change(runId, async (tracking, run) => {
        await tracking.addDatasets(run, datasets)
        await tracking.addModelInputs(runId, models)
      })
    },
    logOutputs: (runId, models) =>
      change(runId, (tracking) => tracking.addModelOutputs(runId, models)),
    logModelHistory: (runId, model) =>
      change(runId, async (tracking) => {
        const [record] = await tracking.runRecords([runId])
        const kept = record?.tags.find(({ key }) => key === MODEL_HISTORY_TAG)?.value
        const value = JSON.stringify([...listIn(kept), model])
        await tracking.setRunTags(runId, [{ key: MODEL_HISTORY_TAG, value }])
      }),
    sampleMetric: (runId, sample) => read.sampleMetric(runId, sample),
    metricHistory: async (runId, page) => pageOf(await read.metricHistory(runId, page), page),
  }
}

function listIn(text: string | undefined): unknown[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(list) ? list : []
  } catch {
    // Clients may write what they like into tags.
    return []
  }
}

/** A measurement of a model that is not there could never be found again. */
async function checkModels(tracking: TrackingReads, metrics: readonly Metric[]): Promise<void> {
  for (const modelId of new Set(metrics.map((metric) => metric.modelId)))
    if (modelId !== undefined && (await tracking.findLoggedModel(modelId)) === undefined)
      throw new Problem(
        'invalid',
        `there is no logged model ${modelId} to keep a metric of; create it first`,
      )
}
