import { Problem } from '#base/problem'
import {
  LIST,
  numberAttribute,
  wholeAttribute,
  TEXT,
  textAttribute,
  type Term,
  type Vocabulary,
  type Condition,
  type Order,
  type Tagged,
  parseFilter,
  parseOrder,
} from '#tracking'
import { PROMPT_TAG } from './model.ts'
import type { Kind, ModelField, VersionField } from './store.ts'

export interface RegistryFilter<Field> {
  readonly kind: Kind
  readonly conditions: readonly Condition<Field>[]
}

/** Reads a filter for registered models, or for prompts when it asks for their tag. Throws `invalid`. */
export function parseModelFilter(text: string | undefined): RegistryFilter<ModelField> {
  return kindIn<ModelField>(parseFilter(text, modelTerms))
}

export function parseModelOrder(keys: readonly string[] | undefined): Order<ModelField>[] {
  return parseOrder(keys, modelTerms)
}

/** Reads a filter for model versions, or for those of prompts when it asks for their tag. Throws `invalid`. */
export function parseVersionFilter(text: string | undefined): RegistryFilter<VersionField> {
  return kindIn<VersionField>(parseFilter(text, versionTerms))
}

export function parseVersionOrder(keys: readonly string[] | undefined): Order<VersionField>[] {
  return parseOrder(keys, versionTerms)
}

/** The names of a search for registered models, and of its order. */
const modelTerms: Vocabulary<ModelField> = (entity, key) => {
  if (entity === 'tag' || entity === 'tags')
    return { field: { of: 'tag', key }, takes: 'text', comparators: TEXT, only: 'filter' }
  if (entity !== null && entity !== 'attribute' && entity !== 'attributes') return undefined
  if (key === 'name') return textAttribute('name', [...TEXT, ...LIST])
  return key === 'creation_timestamp' ? undefined : timeTerm(key)
}

/** The names of a search for model versions, and of its order. */
const versionTerms: Vocabulary<VersionField> = (entity, key) => {
  if (entity === 'tag' || entity === 'tags')
    return { field: { of: 'tag', key }, takes: 'text', comparators: TEXT, only: 'filter' }
  if (entity !== null && entity !== 'attribute' && entity !== 'attributes') return undefined
  return VERSION_ATTRIBUTES.get(key) ?? timeTerm(key)
}

const VERSION_ATTRIBUTES = new Map<string, Term<VersionField>>([
  ['name', textAttribute('model', [...TEXT, ...LIST])],
  ['run_id', { ...textAttribute('runId', [...TEXT, ...LIST]), only: 'filter' }],
  ['source_path', { ...textAttribute('source'), only: 'filter' }],
  ['version_number', { ...wholeAttribute('version'), kept: wholeNumber }],
])

/**
 * Which kind a search means: models, unless a clause on the prompt tag says otherwise. That clause is not
 * one on a tag then, because what lacks the tag is a model.
 */
function kindIn<Field extends { of: string }>(
  conditions: readonly Condition<Field | Tagged>[],
): { kind: Kind; conditions: Condition<Field | Tagged>[] } {
  let kind: Kind = 'model'
  const rest = conditions.filter(({ field, comparator, value }) => {
    const asksKind = field.of === 'tag' && (field as Tagged).key === PROMPT_TAG
    if (!asksKind || (comparator !== '=' && comparator !== '!=')) return true
    const isTrue = String(value).toLowerCase() === 'true'
    kind = isTrue === (comparator === '=') ? 'prompt' : 'model'
    return false
  })
  return { kind, conditions: rest }
}

function timeTerm(key: string) {
  if (key === 'creation_timestamp')
    return { ...numberAttribute('createdMs'), only: 'order' } as const
  if (key === 'last_updated_timestamp' || key === 'timestamp')
    return { ...numberAttribute('updatedMs'), only: 'order' } as const
  return undefined
}

/** A version's number may stand in quotes, as a version's name does. */
function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new Problem('invalid', `Invalid value ${JSON.stringify(text)}: a version is a whole number`)
}
