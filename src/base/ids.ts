import { randomBytes, randomFillSync } from 'node:crypto'
import { monotonicFactory } from 'ulid'

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
    randomFillSync(pool)
    used = 0
  }
  return (pool[used++] as number) / 256
}

const nextUlid = monotonicFactory(pooledFraction)

export const randomIds: Ids = {
  hex32: () => randomBytes(16).toString('hex'),
  ulid: () => nextUlid(),
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
