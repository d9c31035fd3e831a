import { Problem } from '#base/problem'
import type { KeyValue } from './experiment.ts'

/** Data that a run used, as its client describes it. */
export interface Dataset {
  readonly name: string
  readonly digest: string
  readonly sourceType: string
  readonly source: string
  readonly schema: string | null
  readonly profile: string | null
}

export interface DatasetInput extends Dataset {
  readonly tags: readonly KeyValue[]
}

/** A dataset of an experiment and what runs used it for, such as `training`. */
export interface DatasetUse {
  readonly experimentId: string
  readonly name: string
  readonly digest: string
  readonly context: string | null
}

export interface ModelOutput {
  readonly modelId: string
  readonly step: number
}

/** The tag of an input that says what the data was for, such as `training`. */
export const CONTEXT_TAG = 'mlflow.data.context'

const CHARS_MAX = {
  name: 500,
  digest: 36,
  source: 65_535,
  schema: 1_048_575,
  profile: 16_777_215,
} as const
const TAG_CHARS_MAX = { key: 255, value: 500 } as const

/** The inputs if each can be kept. Throws an `invalid` problem that says which field of which dataset is wrong. */
export function checkedInputs(inputs: readonly DatasetInput[]): readonly DatasetInput[] {
  for (const input of inputs) {
    for (const field of ['name', 'digest', 'source'] as const)
      if (input[field] === '')
        throw new Problem('invalid', `a dataset has no ${field}; every input needs one`)
    for (const [field, most] of Object.entries(CHARS_MAX) as [keyof typeof CHARS_MAX, number][])
      checkLength(
        `the ${field} of the dataset ${input.name.slice(0, 40)}`,
        input[field] ?? '',
        most,
      )
    for (const tag of input.tags) {
      checkLength(`the key of a tag of the dataset ${input.name}`, tag.key, TAG_CHARS_MAX.key)
      checkLength(`the tag ${tag.key} of the dataset ${input.name}`, tag.value, TAG_CHARS_MAX.value)
    }
  }
  return inputs
}

function checkLength(what: string, text: string, most: number): void {
  if (text.length > most)
    throw new Problem('invalid', `${what} has ${text.length} characters; the limit is ${most}`)
}
