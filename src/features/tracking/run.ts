import { Problem } from '#base/problem'
import type { KeyValue, Lifecycle } from './experiment.ts'
import type { DatasetInput, ModelOutput } from './input.ts'
import { checkedMetric, type Metric } from './metric.ts'
import {
  BATCH_MAX,
  checkedKey,
  KEY_CHARS_MAX,
  PARAM_VALUE_CHARS_MAX,
  RUN_TAG_VALUE_CHARS_MAX,
} from './names.ts'

export type RunStatus = 'running' | 'scheduled' | 'finished' | 'failed' | 'killed'

/** One execution of some code. */
export interface Run {
  readonly runId: string
  readonly experimentId: string
  readonly name: string
  readonly userId: string
  readonly status: RunStatus
  readonly startMs: number
  readonly endMs: number | null
  readonly artifactUri: string
  readonly lifecycle: Lifecycle
}

/** A run with all that was logged to it; of each metric the newest point. */
export interface RunRecord extends Run {
  readonly metrics: readonly Metric[]
  readonly params: readonly KeyValue[]
  readonly tags: readonly KeyValue[]
  readonly datasets: readonly DatasetInput[]
  readonly modelInputs: readonly string[]
  readonly modelOutputs: readonly ModelOutput[]
}

/** The tag that carries a run's name; the two never differ. */
export const RUN_NAME_TAG = 'mlflow.runName'

/** What is to be logged to a run in one step. */
export interface RunBatch {
  readonly metrics?: readonly Metric[]
  readonly params?: readonly KeyValue[]
  readonly tags?: readonly KeyValue[]
}

export function isOver(status: RunStatus): boolean {
  return status === 'finished' || status === 'failed' || status === 'killed'
}

export function assertActiveRun(run: Run): void {
  if (run.lifecycle !== 'active')
    throw new Problem(
      'conflict',
      `the run ${run.runId} must be in the 'active' state, but it is deleted; restore it first`,
    )
}

/** The name of a new run: as given, or as its tag says. Throws `invalid` when the two differ. */
export function nameOfNewRun(name: string, tags: readonly KeyValue[]): string | undefined {
  const tagged = tags.find((tag) => tag.key === RUN_NAME_TAG)?.value
  if (name !== '' && tagged !== undefined && tagged !== name)
    throw new Problem(
      'invalid',
      `the run is called ${JSON.stringify(name)} and its tag ${RUN_NAME_TAG} says ${JSON.stringify(tagged)}; give one of them, or the same`,
    )
  return name === '' ? tagged || undefined : name
}

/** The batch as it is kept; nothing of it is written unless all of it is right. */
export function checkedBatch({ metrics = [], params = [], tags = [] }: RunBatch) {
  checkCount('metrics', metrics.length, BATCH_MAX.metrics)
  checkCount('params', params.length, BATCH_MAX.params)
  checkCount('tags', tags.length, BATCH_MAX.tags)
  checkCount(
    'metrics, params and tags',
    metrics.length + params.length + tags.length,
    BATCH_MAX.all,
  )
  checkDistinct(params)
  return {
    metrics: metrics.map(checkedMetric),
    params: params.map(checkedParam),
    // Of a tag that is set twice, the last counts.
    tags: [...new Map(tags.map((tag) => [tag.key, checkedRunTag(tag)])).values()],
  }
}

export function checkedParam({ key, value }: KeyValue): KeyValue {
  return { key: checkedKey(key, 'a param'), value: value.slice(0, PARAM_VALUE_CHARS_MAX) }
}

/** A tag that a run begins with may have any key, as MLflow's own server takes it. */
export function checkedFirstTag({ key, value }: KeyValue): KeyValue {
  if (key === '' || key.length > KEY_CHARS_MAX) checkedKey(key, 'a tag')
  return { key, value: value.slice(0, RUN_TAG_VALUE_CHARS_MAX) }
}

export function checkedRunTag({ key, value }: KeyValue): KeyValue {
  return { key: checkedKey(key, 'a tag'), value: value.slice(0, RUN_TAG_VALUE_CHARS_MAX) }
}

/** The params that are not kept yet. A param is written once: throws `conflict` for another value. */
export function newParams(
  runId: string,
  kept: readonly KeyValue[],
  given: readonly KeyValue[],
): KeyValue[] {
  const values = new Map(kept.map(({ key, value }) => [key, value]))
  const changed = given.filter(({ key, value }) => (values.get(key) ?? value) !== value)
  if (changed.length > 0)
    throw new Problem(
      'conflict',
      `Changing param values is not allowed: ${changed
        .map(
          ({ key, value }) =>
            `the run ${runId} has ${JSON.stringify(key)} = ${JSON.stringify(values.get(key))}, not ${JSON.stringify(value)}`,
        )
        .join('; ')}. Log it under another key or to another run`,
    )
  return given.filter(({ key }) => !values.has(key))
}

function checkCount(what: string, count: number, most: number): void {
  if (count > most)
    throw new Problem(
      'invalid',
      `a batch may hold at most ${most} ${what}; got ${count}. Send them in several batches`,
    )
}

function checkDistinct(params: readonly KeyValue[]): void {
  const seen = new Set<string>()
  for (const { key } of params) {
    if (seen.has(key))
      throw new Problem(
        'invalid',
        `Duplicate param keys have been submitted: ${JSON.stringify(key)} is there twice; send it once`,
      )
    seen.add(key)
  }
}
