import { Problem } from '#base/problem'
import type { Ref } from '#ledger'
import type { KeyValue } from '#tracking'
import type { ModelDescription } from './description.ts'

/** A name under which versions of a model are registered. */
export interface RegisteredModel {
  readonly name: string
  readonly note: string
  readonly createdMs: number
  readonly updatedMs: number
  readonly tags: readonly KeyValue[]
  readonly aliases: readonly { readonly alias: string; readonly version: number }[]
}

export type Stage = 'none' | 'staging' | 'production' | 'archived'

/** One registered state of a model: its files never change after this. */
export interface ModelVersion {
  readonly model: string
  readonly version: number
  /** What was registered, as its registrar named it. */
  readonly source: string
  /** Where clients download it. */
  readonly location: string
  readonly runId: string | null
  readonly runLink: string | null
  readonly loggedModelId: string | null
  /** One digest of all its files; null when they are kept elsewhere. */
  readonly digest: string | null
  readonly description: ModelDescription
  readonly stage: Stage
  readonly note: string
  readonly createdMs: number
  readonly updatedMs: number
  readonly tags: readonly KeyValue[]
  readonly aliases: readonly string[]
}

export type StoredVersion = Omit<ModelVersion, 'tags' | 'aliases'>

/** The tag that makes a registered model a prompt; those are kept beside the models. */
export const PROMPT_TAG = 'mlflow.prompt.is_prompt'

export function isPrompt(tags: readonly KeyValue[]): boolean {
  return tags.some(({ key, value }) => key === PROMPT_TAG && value.toLowerCase() === 'true')
}

/** A model version in the lineage graph. */
export function modelVersionRef({ model, version }: { model: string; version: number }): Ref {
  return { kind: 'model-version', id: `${model}/${version}` }
}

export function modelNotFound(name: string): Problem {
  return new Problem(
    'not-found',
    `Registered Model with name=${name} not found; register a version or look for it with a search`,
  )
}

export function versionNotFound(model: string, version: number): Problem {
  return new Problem(
    'not-found',
    `Model Version (name=${model}, version=${version}) not found; look for it with a search`,
  )
}
