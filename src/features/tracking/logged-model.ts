import { Problem } from '#base/problem'
import type { KeyValue, Lifecycle } from './experiment.ts'
import type { Metric } from './metric.ts'

export type LoggedModelStatus = 'pending' | 'ready' | 'failed'

/** A model as a run left it: files, and what is known of them. */
export interface LoggedModel {
  readonly modelId: string
  readonly experimentId: string
  readonly name: string
  readonly artifactUri: string
  readonly createdMs: number
  readonly updatedMs: number
  readonly status: LoggedModelStatus
  readonly modelType: string
  readonly sourceRunId: string | null
  readonly lifecycle: Lifecycle
}

export interface LoggedModelRecord extends LoggedModel {
  readonly params: readonly KeyValue[]
  readonly tags: readonly KeyValue[]
  readonly metrics: readonly ModelMetric[]
}

/** A measurement of a model, with the run that took it. */
export interface ModelMetric extends Metric {
  readonly runId: string
}

/** The tag that lists the registered versions made from a logged model, as JSON. */
export const MODEL_VERSIONS_TAG = 'mlflow.modelVersions'

export function checkedModelName(name: string): string {
  if (name === '' || /[/:.%"']/.test(name))
    throw new Problem(
      'invalid',
      `${JSON.stringify(name)} is no name for a model; it must not be empty or hold any of / : . % " '`,
    )
  return name
}
