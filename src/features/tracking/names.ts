import { posix } from 'node:path'
import { Problem } from '#base/problem'

/** Keys of metrics, params and tags; a longer one has never been a name that a person reads. */
export const KEY_CHARS_MAX = 250
/** Longer values of params are cut, as MLflow's server does by default. */
export const PARAM_VALUE_CHARS_MAX = 6000
export const RUN_TAG_VALUE_CHARS_MAX = 8000
export const EXPERIMENT_NAME_CHARS_MAX = 500
export const EXPERIMENT_TAG_VALUE_CHARS_MAX = 20_000
/** What one batch may hold; clients split larger ones. */
export const BATCH_MAX = { metrics: 1000, params: 100, tags: 100, all: 1000 } as const

const KEY = /^[/\p{L}\p{N}_.\- :]*$/u

/** The key if it can be one. Throws an `invalid` problem that names `what` it was for. */
export function checkedKey(key: string, what: string): string {
  if (key === '') throw new Problem('invalid', `the key of ${what} is empty; name it`)
  if (key.length > KEY_CHARS_MAX)
    throw new Problem(
      'invalid',
      `the key of ${what} has ${key.length} characters; the limit is ${KEY_CHARS_MAX}: ${JSON.stringify(key.slice(0, 40))}…`,
    )
  if (!KEY.test(key))
    throw new Problem(
      'invalid',
      `${JSON.stringify(key)} is no key for ${what}; use letters, digits, underscores, dashes, periods, spaces, colons and slashes`,
    )
  if (!isPlainPath(key))
    throw new Problem(
      'invalid',
      `${JSON.stringify(key)} is no key for ${what}: read as a path it would mean ${JSON.stringify(posix.normalize(key))}; drop the dots and extra slashes`,
    )
  return key
}

/** A name for a thing whose maker gave none: two words and a number, taken from random digits. */
export function generatedName(hex: string): string {
  const pick = (words: readonly string[], at: number) =>
    words[Number.parseInt(hex.slice(at, at + 6), 16) % words.length]
  return `${pick(ADJECTIVES, 0)}-${pick(NOUNS, 6)}-${Number.parseInt(hex.slice(12, 18), 16) % 1000}`
}

function isPlainPath(name: string): boolean {
  const normal = posix.normalize(name)
  return (
    normal === name &&
    normal !== '.' &&
    !normal.startsWith('..') &&
    !normal.startsWith('/') &&
    !(normal.length > 1 && normal.endsWith('/'))
  )
}

const ADJECTIVES = [
  'ample',
  'amber',
  'bold',
  'brisk',
  'calm',
  'clever',
  'crisp',
  'deft',
  'eager',
  'fleet',
  'gentle',
  'golden',
  'keen',
  'lively',
  'lucid',
  'mellow',
  'nimble',
  'quiet',
  'rapid',
  'serene',
  'sly',
  'steady',
  'sunny',
  'vivid',
] as const
const NOUNS = [
  'aster',
  'comet',
  'crane',
  'dune',
  'ember',
  'falcon',
  'fjord',
  'gull',
  'harbor',
  'heron',
  'island',
  'lagoon',
  'lark',
  'meteor',
  'nebula',
  'orbit',
  'otter',
  'planet',
  'quasar',
  'reef',
  'sphere',
  'swift',
  'tide',
  'zenith',
] as const
