import type { ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'

export type Fields = Readonly<Record<string, ExactJson>>

const TEXT_CHARS_MAX = 250
const LABEL_CHARS_MAX = 10_000

/** The fields of an object. Throws `invalid` for anything else. */
export function fieldsOf(value: ExactJson | undefined, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Problem('invalid', `${name} must be an object`)
  return value as Fields
}

export function textIn(value: ExactJson, name: string): string {
  if (typeof value !== 'string' || value === '' || value.length > TEXT_CHARS_MAX)
    throw new Problem('invalid', `${name} must be a text of 1 to ${TEXT_CHARS_MAX} characters`)
  return value
}

export function isLabel(value: ExactJson | undefined): value is string | number | boolean | bigint {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value)
}

/** A whole number that a number would round is kept as text. */
export function labelIn(value: ExactJson, name: string): string | number | boolean {
  if (typeof value === 'bigint') return String(value)
  const isFit = typeof value !== 'string' || value.length <= LABEL_CHARS_MAX
  if (isLabel(value) && isFit && (typeof value !== 'number' || Number.isFinite(value))) return value
  throw new Problem(
    'invalid',
    `the truth of ${name} must be a number, a text of at most ${LABEL_CHARS_MAX} characters, true or false`,
  )
}

export function rewardIn(value: ExactJson, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new Problem('invalid', `the reward of ${name} must be a finite number`)
  return value
}
