import type { JudgedLimit } from '#performance'

/** How an endpoint answered in a window, whatever it answered, and what that took. */
export interface ServiceVerdict {
  readonly predictions: number
  readonly perSecond: number
  readonly latency: Latency
  /** Of the hours of the clock that the window spans; null where nobody counted, and `notes` say why. */
  readonly counted: CountedService | null
  readonly revisions: readonly RevisionService[]
  readonly cost: Cost | null
  readonly notes: readonly string[]
  readonly limits: readonly JudgedLimit[]
}

/** Milliseconds from the request to the answer; null where they are not known. */
export interface Latency {
  readonly p50Ms: number | null
  readonly p90Ms: number | null
  readonly p99Ms: number | null
  /** 95 % confidence, by order statistics. */
  readonly intervals?: Readonly<Record<'p50Ms' | 'p90Ms' | 'p99Ms', readonly [number, number]>>
}

export interface CountedService {
  readonly requests: number
  /** Not answered though the caller did nothing wrong: `fault`, `deadline`, `unavailable`, `queue-full`. */
  readonly failed: number
  /** Turned away for what the caller did: wrong inputs, more than its quota. */
  readonly refused: number
  readonly kinds: Readonly<Record<string, number>>
  /** Failed of all that were answered or failed. */
  readonly errors: number | null
  readonly cpuSeconds: number
  readonly memoryBytes: number
  /** Share of the time in which the model was running, of the time that it was loaded; above 1 where calls overlap. */
  readonly busy: number | null
  /** Of the time from request to answer, the share in which calls waited for their turn. */
  readonly queueing: number | null
  /** Share of the machine's processors that were busy, with whatever. */
  readonly hostBusy: number | null
}

export interface RevisionService {
  readonly revision: number
  readonly modelVersion: string
  readonly predictions: number
  readonly latency: Latency
  readonly failed: number | null
  readonly cpuSeconds: number | null
  readonly memoryBytes: number | null
}

export interface Cost {
  readonly total: number
  readonly perThousand: number | null
  readonly currency: string | null
  /** What it is told from: `3 h at 0.2`. */
  readonly detail: string
}
