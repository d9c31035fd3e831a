import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Static } from 'typebox'
import { Problem } from '#base/problem'
import type {
  DatasetInput,
  Experiment,
  KeyValue,
  Lifecycle,
  LoggedModelRecord,
  LoggedModelStatus,
  Metric,
  Run,
  RunRecord,
  RunStatus,
} from '#tracking'
import type { LogInputs, MetricWire } from './messages.ts'
import { excerpt } from './validate.ts'

const RUN_STATUSES = ['running', 'scheduled', 'finished', 'failed', 'killed'] as const
const MODEL_STATUSES = {
  pending: 'LOGGED_MODEL_PENDING',
  ready: 'LOGGED_MODEL_READY',
  failed: 'LOGGED_MODEL_UPLOAD_FAILED',
} as const

/** Pairs whose value may be missing, which stands for an empty one. */
export function pairsIn(pairs: readonly { key: string; value?: string }[] | undefined): KeyValue[] {
  return (pairs ?? []).map(({ key, value = '' }) => ({ key, value }))
}

export function runIdIn({ run_id, run_uuid }: { run_id?: string; run_uuid?: string }): string {
  const runId = run_id || run_uuid
  if (runId === undefined || runId === '')
    throw new Problem('invalid', "Missing value for required parameter 'run_id'. Name the run")
  return runId
}

/** A status by its name or by its number in MLflow's protobuf. */
export function runStatusIn(status: unknown): RunStatus {
  const found =
    typeof status === 'number'
      ? RUN_STATUSES[status - 1]
      : RUN_STATUSES.find((each) => typeof status === 'string' && each === status.toLowerCase())
  if (found === undefined)
    throw new Problem(
      'invalid',
      `Invalid value ${excerpt(status)} for parameter 'status' supplied: it must be one of ${RUN_STATUSES.join(', ').toUpperCase()}`,
    )
  return found
}

export function loggedModelStatusIn(status: unknown): LoggedModelStatus {
  const names = Object.entries(MODEL_STATUSES) as [LoggedModelStatus, string][]
  const found =
    typeof status === 'number' ? names[status - 1] : names.find(([, name]) => name === status)
  if (found === undefined)
    throw new Problem(
      'invalid',
      `Invalid value ${excerpt(status)} for parameter 'status' supplied: it must be one of ${Object.values(MODEL_STATUSES).join(', ')}`,
    )
  return found[0]
}

/** Which of active and deleted things a search looks at. */
export function lifecyclesIn(viewType: unknown): Lifecycle[] {
  const view = typeof viewType === 'number' ? VIEWS[viewType - 1] : (viewType ?? 'ACTIVE_ONLY')
  if (view === 'ACTIVE_ONLY') return ['active']
  if (view === 'DELETED_ONLY') return ['deleted']
  if (view === 'ALL') return ['active', 'deleted']
  throw new Problem(
    'invalid',
    `Invalid value ${excerpt(viewType)} for the view type supplied: it must be one of ${VIEWS.join(', ')}`,
  )
}

const VIEWS = ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']

export function metricIn(wire: Static<typeof MetricWire>): Metric {
  const { dataset_name, dataset_digest = '' } = wire
  return {
    key: wire.key,
    value: numberIn(wire.value, wire.key),
    atMs: wire.timestamp,
    step: wire.step ?? 0,
    ...(wire.model_id ? { modelId: wire.model_id } : {}),
    ...(dataset_name ? { dataset: { name: dataset_name, digest: dataset_digest } } : {}),
  }
}

function numberIn(value: unknown, key: string): number {
  if (typeof value === 'number') return value
  const text = typeof value === 'string' ? value.trim().toLowerCase() : ''
  const special = /^([+-]?)(nan|inf|infinity)$/.exec(text)
  if (special !== null) {
    if (special[2] === 'nan') return Number.NaN
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(text)) return Number(text)
  throw new Problem(
    'invalid',
    `Invalid value ${excerpt(value)} for parameter 'value' supplied: the metric ${key} takes a number`,
  )
}

/** A place for artifacts as it is kept: a path of this machine as a file address. */
export function artifactLocationIn(location: string | undefined): { artifactLocation?: string } {
  if (location === undefined || location === '') return {}
  if (/[?#]/.test(location) || location.split('/').includes('..'))
    throw new Problem(
      'invalid',
      `Invalid artifact_location ${JSON.stringify(location)}: it must not hold "..", "?" or "#"`,
    )
  const artifactLocation = /^[A-Za-z][\w+.-]*:/.test(location)
    ? location.replace(/\/+$/, '')
    : pathToFileURL(resolve(location)).href
  return { artifactLocation }
}

export function datasetsIn(datasets: Static<typeof LogInputs>['datasets']): DatasetInput[] {
  return (datasets ?? []).map(({ dataset, tags }) => ({
    name: dataset.name,
    digest: dataset.digest,
    sourceType: dataset.source_type,
    source: dataset.source,
    schema: dataset.schema ?? null,
    profile: dataset.profile ?? null,
    tags: pairsIn(tags),
  }))
}

export function experimentToWire(experiment: Experiment) {
  return {
    experiment_id: experiment.experimentId,
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycle,
    creation_time: experiment.createdMs,
    last_update_time: experiment.updatedMs,
    ...unlessEmpty({ tags: experiment.tags }),
  }
}

export function runInfoToWire(run: Run) {
  return {
    run_id: run.runId,
    run_uuid: run.runId,
    run_name: run.name,
    experiment_id: run.experimentId,
    user_id: run.userId,
    status: run.status.toUpperCase(),
    start_time: run.startMs,
    ...(run.endMs === null ? {} : { end_time: run.endMs }),
    artifact_uri: run.artifactUri,
    lifecycle_stage: run.lifecycle,
  }
}

export function runToWire(run: RunRecord) {
  return {
    info: runInfoToWire(run),
    data: unlessEmpty({
      metrics: run.metrics.map(metricToWire),
      params: run.params,
      tags: run.tags,
    }),
    inputs: unlessEmpty({
      dataset_inputs: run.datasets.map(datasetInputToWire),
      model_inputs: run.modelInputs.map((modelId) => ({ model_id: modelId })),
    }),
    outputs: unlessEmpty({
      model_outputs: run.modelOutputs.map(({ modelId, step }) => ({ model_id: modelId, step })),
    }),
  }
}

export function metricToWire({ key, value, atMs, step }: Metric) {
  return { key, value: Number.isNaN(value) ? 'NaN' : value, timestamp: atMs, step }
}

function datasetInputToWire({ tags, sourceType, schema, profile, ...dataset }: DatasetInput) {
  return {
    ...unlessEmpty({ tags }),
    dataset: {
      ...dataset,
      source_type: sourceType,
      ...(schema === null ? {} : { schema }),
      ...(profile === null ? {} : { profile }),
    },
  }
}

export function loggedModelToWire(model: LoggedModelRecord) {
  return {
    info: {
      model_id: model.modelId,
      experiment_id: model.experimentId,
      name: model.name,
      creation_timestamp_ms: model.createdMs,
      last_updated_timestamp_ms: model.updatedMs,
      artifact_uri: model.artifactUri,
      status: MODEL_STATUSES[model.status],
      model_type: model.modelType,
      source_run_id: model.sourceRunId ?? '',
      ...unlessEmpty({ tags: model.tags }),
    },
    data: unlessEmpty({
      params: model.params,
      metrics: model.metrics.map((metric) => ({
        ...metricToWire(metric),
        model_id: model.modelId,
        run_id: metric.runId,
        ...(metric.dataset === undefined
          ? {}
          : { dataset_name: metric.dataset.name, dataset_digest: metric.dataset.digest }),
      })),
    }),
  }
}

/** Empty lists are left out, as protobuf's JSON does. */
export function unlessEmpty<Lists extends Record<string, readonly unknown[]>>(
  lists: Lists,
): Partial<Lists> {
  return Object.fromEntries(
    Object.entries(lists).filter(([, list]) => list.length > 0),
  ) as Partial<Lists>
}
