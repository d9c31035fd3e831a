import { Problem } from '#base/problem'
import { artifactUri } from './artifact.ts'
import type { KeyValue } from './experiment.ts'
import { experimentOf } from './experiments.ts'
import type { DatasetInput, ModelOutput } from './input.ts'
import { union } from './intake-experiment.ts'
import type { LoggedModel, LoggedModelRecord, ModelMetric } from './logged-model.ts'
import { finite } from './metric.ts'
import { generatedName } from './names.ts'
import { RUN_NAME_TAG, type Run, type RunRecord } from './run.ts'
import type { TrackingWrites } from './store.ts'

export type Taken = 'new' | 'changed' | 'same'

/** A run as another store has it, all but its metrics. */
export interface GivenRun extends Omit<Run, 'artifactUri'> {
  /** Only when its files stay where they are; the server's own tree when absent. */
  readonly artifactUri?: string
  readonly params: readonly KeyValue[]
  readonly tags: readonly KeyValue[]
  readonly datasets: readonly DatasetInput[]
  readonly modelInputs: readonly string[]
  readonly modelOutputs: readonly ModelOutput[]
}

export interface GivenLoggedModel extends Omit<LoggedModel, 'artifactUri'> {
  readonly artifactUri?: string
  readonly params: readonly KeyValue[]
  readonly tags: readonly KeyValue[]
  readonly metrics: readonly Omit<ModelMetric, 'modelId'>[]
}

/** Keeps a run under its own identifier; one that is here takes what it does not have yet. */
export async function takeRun(
  tracking: TrackingWrites,
  given: GivenRun,
  kept: RunRecord | undefined,
): Promise<Taken> {
  if (!/^[0-9a-f]{32}$/.test(given.runId))
    throw new Problem('invalid', `${JSON.stringify(given.runId)} is no run id; it is 32 hex digits`)
  assertText(`the run ${given.runId}`, given)
  const next = await runFrom(tracking, given, kept)
  const more = missing(given, kept)
  const isSame = kept !== undefined && sameRun(kept, next) && more.count === 0
  if (isSame) return 'same'
  await (kept === undefined ? tracking.insertRun(next) : tracking.saveRun(next))
  await tracking.insertParams(next.runId, more.params)
  await tracking.setRunTags(next.runId, tagsOf(next, more.tags))
  await tracking.addDatasets(next, more.datasets)
  await tracking.addModelInputs(next.runId, more.modelInputs)
  await tracking.addModelOutputs(next.runId, more.modelOutputs)
  return kept === undefined ? 'new' : 'changed'
}

async function runFrom(
  tracking: TrackingWrites,
  given: GivenRun,
  kept: RunRecord | undefined,
): Promise<Run> {
  const { runId, userId, status, startMs, endMs, lifecycle } = given
  const { experimentId } = await experimentOf(tracking, kept?.experimentId ?? given.experimentId)
  const tagged = given.tags.find(({ key }) => key === RUN_NAME_TAG)?.value
  return {
    runId,
    experimentId,
    name: given.name || tagged || kept?.name || generatedName(runId),
    userId,
    status,
    startMs,
    endMs,
    lifecycle,
    artifactUri: given.artifactUri ?? artifactUri(`${experimentId}/${runId}/artifacts`),
  }
}

/** What a run has there and not here. Its params are written once, so one that is here stays. */
function missing(given: GivenRun, kept: RunRecord | undefined) {
  const paramKeys = new Set(kept?.params.map(({ key }) => key))
  const params = absent(kept?.params ?? [], given.params).filter(({ key }) => !paramKeys.has(key))
  const tags = absent(kept?.tags ?? [], given.tags)
  const datasets = given.datasets.filter(
    ({ name, digest }) =>
      kept?.datasets.some((own) => own.name === name && own.digest === digest) !== true,
  )
  const modelInputs = given.modelInputs.filter((id) => kept?.modelInputs.includes(id) !== true)
  const modelOutputs = given.modelOutputs.filter(
    ({ modelId }) => kept?.modelOutputs.some((own) => own.modelId === modelId) !== true,
  )
  const lists = [params, tags, datasets, modelInputs, modelOutputs]
  const count = lists.reduce((sum, list) => sum + list.length, 0)
  return { params, tags, datasets, modelInputs, modelOutputs, count }
}

function absent(own: readonly KeyValue[], all: readonly KeyValue[]): KeyValue[] {
  const values = new Map(own.map(({ key, value }) => [key, value]))
  return union([], all).filter(({ key, value }) => values.get(key) !== value)
}

/** A run's name and its tag never differ. */
function tagsOf(run: Run, tags: readonly KeyValue[]): KeyValue[] {
  return union(tags, [{ key: RUN_NAME_TAG, value: run.name }])
}

function sameRun(kept: Run, next: Run): boolean {
  return (Object.keys(next) as (keyof Run)[]).every((field) => kept[field] === next[field])
}

export async function takeLoggedModel(
  tracking: TrackingWrites,
  given: GivenLoggedModel,
): Promise<Taken> {
  if (!/^m-[\w-]{1,60}$/.test(given.modelId))
    throw new Problem(
      'invalid',
      `${JSON.stringify(given.modelId)} is no id of a logged model; it is m- and hex digits`,
    )
  assertText(`the logged model ${given.modelId}`, given)
  const [kept] = await tracking.loggedModelRecords([given.modelId])
  const { params, tags, metrics, artifactUri: elsewhere, ...rest } = given
  const { experimentId } = await experimentOf(tracking, kept?.experimentId ?? given.experimentId)
  const next: LoggedModel = {
    ...rest,
    experimentId,
    artifactUri: elsewhere ?? artifactUri(`${experimentId}/models/${given.modelId}/artifacts`),
  }
  if (kept !== undefined && sameModel(kept, next, given)) return 'same'
  await (kept === undefined ? tracking.insertLoggedModel(next) : tracking.saveLoggedModel(next))
  await tracking.setLoggedModelParams(given.modelId, union([], params))
  await tracking.setLoggedModelTags(given.modelId, union([], tags))
  await tracking.addModelMetrics(
    metrics.map((metric) =>
      Object.assign({}, metric, { value: finite(metric.value), modelId: given.modelId }),
    ),
  )
  return kept === undefined ? 'new' : 'changed'
}

function sameModel(kept: LoggedModelRecord, next: LoggedModel, given: GivenLoggedModel): boolean {
  return (
    (Object.keys(next) as (keyof LoggedModel)[]).every((field) => kept[field] === next[field]) &&
    absent(kept.params, given.params).length === 0 &&
    absent(kept.tags, given.tags).length === 0 &&
    kept.metrics.length >= given.metrics.length
  )
}

function assertText(what: string, given: object): void {
  if (JSON.stringify(given).includes('\\u0000'))
    throw new Problem(
      'invalid',
      `${what} holds a NUL character, which no text here can; leave it out`,
    )
}
