import type { Json } from '#base/json'

/** Something to be done once, by whoever takes its lease. */
export interface Job {
  readonly id: string
  readonly kind: string
  /** Two jobs with one key are one job: enqueueing twice is enqueueing once. */
  readonly key: string
  readonly payload: Json
  /** How often it was begun and failed, and the present attempt. */
  readonly attempts: number
  /** How often the server ended in the middle of it. */
  readonly cuts: number
  readonly state: 'waiting' | 'running' | 'done' | 'failed'
  readonly runAfterMs: number
  readonly error: string | null
  readonly createdMs: number
}

export interface NewJob {
  readonly kind: string
  readonly key: string
  readonly payload: Json
  readonly runAfterMs?: number
}

/** How long to wait before attempt number `attempts` + 1: doubling, at most a minute. */
export function backoffMs(attempts: number): number {
  return Math.min(60_000, 500 * 2 ** Math.max(0, attempts - 1))
}
