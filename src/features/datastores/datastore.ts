import { Problem } from '#base/problem'

/** Who may come without a token: nobody, or whoever calls from the server's own machine. */
export type Openness = 'tokens' | 'open'

/** A place that DVC and Orrery push data to and pull it from. */
export interface DataStore {
  /** Another one for each store, also when names are used again. */
  readonly id: string
  readonly name: string
  readonly access: Openness
  /** What its objects may have together; null without a limit. */
  readonly quotaBytes: number | null
  readonly usedBytes: number
  readonly objects: number
  readonly createdMs: number
}

/** What a token allows; who may write may read. */
export type Access = 'read' | 'write'

/** What is known of a token. The secret itself is kept by nobody but its owner. */
export interface StoreToken {
  readonly id: string
  readonly store: string
  /** Whose it is, or what it is for. */
  readonly name: string
  readonly access: Access
  readonly createdMs: number
}

/** One object of a store. */
export interface KeptObject {
  readonly key: string
  readonly digest: string
  readonly sizeBytes: number
  readonly atMs: number
}

/** Stores are made by people, one for a project or a team. */
export const STORES_MAX = 1000
/** One for each person or machine that uses the store. */
export const TOKENS_MAX = 200
const TOKEN_NAME_CHARS_MAX = 100

/** A name stands in an address, so it is of letters that nobody has to encode. */
export function checkedStoreName(name: string): string {
  if (/^(?=.{1,63}$)[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(name)) return name
  throw new Problem(
    'invalid',
    `the data store name ${JSON.stringify(name.slice(0, 100))} is invalid; use 1 to 63 lower-case letters, digits, dots, underscores and hyphens, with a letter or digit at both ends`,
  )
}

export function checkedTokenName(name: string): string {
  const trimmed = name.trim()
  const isPlain = /^\P{Cc}+$/u.test(trimmed) && trimmed.isWellFormed()
  if (isPlain && trimmed.length <= TOKEN_NAME_CHARS_MAX) return trimmed
  throw new Problem(
    'invalid',
    `the token name ${JSON.stringify(name.slice(0, 100))} is invalid; say in 1 to ${TOKEN_NAME_CHARS_MAX} characters of one line whose it is or what it is for`,
  )
}

export function checkedQuota(quotaBytes: number | null): number | null {
  if (quotaBytes === null || (Number.isSafeInteger(quotaBytes) && quotaBytes >= 0))
    return quotaBytes
  throw new Problem('invalid', `a quota is a whole number of bytes or null, not ${quotaBytes}`)
}

export function storeNotFound(name: string): Problem {
  return new Problem(
    'not-found',
    `there is no data store ${name.slice(0, 100)}; "orrery data-store list" lists them`,
  )
}

/** Throws `full` when so many more bytes do not fit. */
export function assertRoom(store: DataStore, moreBytes: number): void {
  const { name, quotaBytes, usedBytes } = store
  if (quotaBytes === null || usedBytes + moreBytes <= quotaBytes) return
  throw new Problem(
    'full',
    `the data store ${name} has ${usedBytes} of ${quotaBytes} bytes, and ${moreBytes} more do not fit; free some with gc, or raise the quota with "orrery data-store quota ${name} SIZE"`,
  )
}
