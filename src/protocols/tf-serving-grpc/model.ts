import { Problem } from '#base/problem'
import type { Pin, PredictionAnswer } from '#inference'
import type { ModelSpec } from './messages.ts'

/** The model that a request names, and which of its versions. */
export interface Asked {
  readonly model: string
  readonly pin?: Pin
}

/** Signatures are the models' own here, and each has one. */
export const SIGNATURE = 'serving_default'

export function askedIn(spec: ModelSpec | null): Asked {
  if (spec === null || spec.name === '')
    throw new Problem('invalid', 'Missing ModelSpec: name the model in model_spec.name')
  if (spec.signature_name !== '' && spec.signature_name !== SIGNATURE)
    throw new Problem(
      'invalid',
      `Serving signature key "${spec.signature_name}" not found; the one signature of a model here is ${SIGNATURE}`,
    )
  if (spec.version_choice === 'version_label')
    return { model: spec.name, pin: { by: 'label', label: spec.version_label ?? '' } }
  if (spec.version_choice === 'version')
    return { model: spec.name, pin: { by: 'version', version: Number(spec.version?.value ?? 0) } }
  return { model: spec.name }
}

/** The specification of what answered: the version is always filled in. */
export function specOf({ model }: Asked, version: number, signature: string = SIGNATURE): object {
  return { name: model, version: { value: String(version) }, signature_name: signature }
}

/** Says which model was not found in the words that clients look for. */
export async function servable<T>({ model, pin }: Asked, find: () => Promise<T>): Promise<T> {
  try {
    return await find()
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not-found') throw error
    const request =
      pin?.by === 'version'
        ? `Specific(${model}, ${pin.version})`
        : pin?.by === 'label'
          ? `Labeled(${model}, ${pin.label})`
          : `Latest(${model})`
    throw new Problem('not-found', `Servable not found for request: ${request}; ${error.message}`)
  }
}

/** The version in `flights-late/3`. */
export function versionIn({ modelVersion }: PredictionAnswer): number {
  return Number(modelVersion.slice(modelVersion.lastIndexOf('/') + 1))
}
