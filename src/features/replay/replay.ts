import type { Kind } from './outcome.ts'
import type { Report } from './report.ts'

/** A candidate's run over what an endpoint was asked, and what came of it. */
export interface Replay {
  readonly id: string
  readonly endpoint: string
  readonly model: string
  readonly version: number
  readonly options: ReplayOptions
  readonly createdMs: number
  readonly outcome: ReplayOutcome
}

export interface ReplayOptions {
  /** Of event time. */
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
  /** Of more rows, so many are drawn. */
  readonly limit: number
  readonly tolerance: number
  readonly kind: Kind | 'auto'
}

export type ReplayOutcome =
  | { readonly state: 'waiting' }
  | { readonly state: 'running'; readonly done: number; readonly total: number }
  | { readonly state: 'finished'; readonly endedMs: number; readonly result: ReplayResult }
  | { readonly state: 'failed'; readonly endedMs: number; readonly reason: string }
  | { readonly state: 'cancelled'; readonly endedMs: number }

export interface ReplayResult {
  readonly report: Report
  /** Rows of the log in the span, from which the rows were drawn. */
  readonly logged: number
  /** Rows that the candidate refuses. */
  readonly refused: number
  /** Why, of the first ones. */
  readonly refusals: readonly string[]
  readonly latency: {
    /** Of the requests as they were answered. */
    readonly live: Spread | null
    /** Of single rows, asked one after the other. */
    readonly candidate: Spread | null
  }
}

export interface Spread {
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

export function isOver({ outcome: { state } }: Replay): boolean {
  return state !== 'waiting' && state !== 'running'
}
