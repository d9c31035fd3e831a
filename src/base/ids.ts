import { createRequire } from 'node:module'
import type * as Ulid from 'ulid'

/** The source of new identifiers, a parameter for the same reason as the clock. */
export interface Ids {
  /** 32 lower-case hex digits, as MLflow names runs. */
  hex32(): string
  /** A ULID: 26 characters that sort by the time they were made. */
  ulid(): string
}

/** Random bytes that are fetched at once: by itself each of the sixteen of a ULID costs more than all the rest of it. */
const pool = new Uint8Array(4096)
let used = pool.length

function pooledFraction(): number {
  if (used === pool.length) {
    crypto().randomFillSync(pool)
    used = 0
  }
  return (pool[used++] as number) / 256
}

let nextUlid: (() => string) | undefined

function newUlid(): string {
  nextUlid ??= ulids().monotonicFactory(pooledFraction)
  return nextUlid()
}

// Loaded at first use: a command that only reads names nothing.
function ulids(): typeof Ulid {
  return createRequire(import.meta.url)('ulid') as typeof Ulid
}

function crypto() {
  return process.getBuiltinModule('node:crypto')
}

export const randomIds: Ids = {
  hex32: () => crypto().randomBytes(16).toString('hex'),
  ulid: newUlid,
}

/** Numbers from 0 to 1, below 1, by chance. */
export function randomFraction(): number {
  return Math.random()
}

/** Identifiers for tests: counted, so that a run of a test is the same each time. */
export function countedIds(): Ids {
  let count = 0
  return {
    hex32: () => (++count).toString(16).padStart(32, '0'),
    ulid: () => `01${(++count).toString().padStart(24, '0')}`,
  }
}
