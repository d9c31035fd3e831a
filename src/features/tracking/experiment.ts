import { Problem } from '#base/problem'
import { EXPERIMENT_NAME_CHARS_MAX, EXPERIMENT_TAG_VALUE_CHARS_MAX, checkedKey } from './names.ts'

export type Lifecycle = 'active' | 'deleted'

export interface KeyValue {
  readonly key: string
  readonly value: string
}

/** A named set of runs. */
export interface Experiment {
  /** A whole number in decimal. */
  readonly experimentId: string
  readonly name: string
  readonly artifactLocation: string
  readonly lifecycle: Lifecycle
  readonly createdMs: number
  readonly updatedMs: number
  readonly tags: readonly KeyValue[]
}

/** Where runs go whose maker named no experiment. It exists from the start. */
export const DEFAULT_EXPERIMENT = { experimentId: '0', name: 'Default' } as const

export function checkedExperimentName(name: string): string {
  if (name === '') throw new Problem('invalid', 'the name of the experiment is empty; name it')
  if (name.length > EXPERIMENT_NAME_CHARS_MAX)
    throw new Problem(
      'invalid',
      `the name of the experiment has ${name.length} characters; the limit is ${EXPERIMENT_NAME_CHARS_MAX}`,
    )
  return name
}

export function checkedExperimentTag(tag: KeyValue): KeyValue {
  checkedKey(tag.key, 'an experiment tag')
  if (tag.value.length > EXPERIMENT_TAG_VALUE_CHARS_MAX)
    throw new Problem(
      'invalid',
      `the value of the experiment tag ${tag.key} has ${tag.value.length} characters; the limit is ${EXPERIMENT_TAG_VALUE_CHARS_MAX}`,
    )
  return tag
}

/** The identifier as it is kept. Throws `invalid` for anything but a whole number. */
export function checkedExperimentId(experimentId: string): string {
  if (/^-?\d{1,15}$/.test(experimentId)) return String(Number(experimentId))
  throw new Problem(
    'invalid',
    `${JSON.stringify(experimentId)} is no experiment id; it is a whole number`,
  )
}

export function assertActiveExperiment(experiment: Experiment): void {
  if (experiment.lifecycle !== 'active')
    throw new Problem(
      'conflict',
      `the experiment ${experiment.experimentId} must be in the 'active' state, but it is deleted; restore it first`,
    )
}
