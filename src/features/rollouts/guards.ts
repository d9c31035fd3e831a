/** What a rollout may not do; as `orrery.yaml` says it, with its defaults filled in. */
export type Guard = ErrorsGuard | LatencyGuard | DriftGuard | QualityGuard

export interface ErrorsGuard {
  readonly kind: 'errors'
  /** Share of requests that may fail through the fault of the model. */
  readonly max: number | null
  /** By how much the share of failures, refusals counted too, may lie above that of the old revision. */
  readonly overOld: number | null
}

export interface LatencyGuard {
  readonly kind: 'latency'
  /** 0.99 */
  readonly quantile: number
  readonly maxMs: number | null
  /** How many times as long as the old revision it may take, at this quantile. */
  readonly timesOld: number | null
}

export interface DriftGuard {
  readonly kind: 'drift'
  /** By how much the share of any answer, or of answers below any value, may differ from that of the old revision. */
  readonly max: number
}

export interface QualityGuard {
  readonly kind: 'quality'
  /** `accuracy`: share of labels that were met. `error`: mean distance from the truth, as a part of `scale`. */
  readonly metric: 'accuracy' | 'error'
  /** What may be lost against the old revision. */
  readonly drop: number
  /** The distance that counts as 1. */
  readonly scale: number
  /** How long a prediction waits for its truth; what comes later is left out. */
  readonly settleMs: number
}

/** Of what a guard is named in facts: `errors`, `p99_ms`, `drift`, `quality`. */
export function guardName(guard: Guard): string {
  return guard.kind === 'latency'
    ? `p${String(Number((guard.quantile * 100).toPrecision(6))).replace('.', '_')}_ms`
    : guard.kind
}

export interface RolloutPlan {
  /** Shares of the traffic in percent, growing; the last is 100. */
  readonly steps: readonly number[]
  /** How long each step lasts at least. */
  readonly everyMs: number
  /** Requests that the new revision must have answered in a step before the next. */
  readonly minSamples: number
  readonly guards: readonly Guard[]
  /** How often a rollout of a revision that keeps within all guards may be taken back at most. */
  readonly alpha: number
  readonly rollback: 'automatic' | 'manual'
}
