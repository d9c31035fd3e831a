import { durationMs, type RolloutConfig } from '#projects'
import type { Guard, LatencyGuard, RolloutPlan } from './guards.ts'

const QUANTILES = { p50_ms: 0.5, p90_ms: 0.9, p95_ms: 0.95, p99_ms: 0.99 } as const

/** What `orrery.yaml` says of a rollout, as it is decided by. */
export function planOf(config: RolloutConfig): RolloutPlan {
  const { steps, every, min_samples: minSamples, alpha, rollback } = config
  return {
    steps,
    everyMs: durationMs(every),
    minSamples,
    alpha,
    rollback,
    guards: guardsOf(config),
  }
}

function guardsOf({ guard }: RolloutConfig): Guard[] {
  const { errors, drift, quality } = guard
  const guards: Guard[] = []
  if (errors !== undefined)
    guards.push(
      typeof errors === 'number'
        ? { kind: 'errors', max: errors, overOld: errors }
        : { kind: 'errors', max: errors.max ?? null, overOld: errors.over_old ?? null },
    )
  for (const [name, quantile] of Object.entries(QUANTILES)) {
    const limit = guard[name as keyof typeof QUANTILES]
    if (limit !== undefined) guards.push(latencyGuard(quantile, limit))
  }
  if (drift !== undefined) guards.push({ kind: 'drift', max: drift })
  if (quality !== undefined) {
    const { metric, min_drop: drop, scale, settle } = quality
    guards.push({ kind: 'quality', metric, drop, scale, settleMs: durationMs(settle) })
  }
  return guards
}

function latencyGuard(
  quantile: number,
  limit: number | { max?: number; times_old?: number },
): LatencyGuard {
  if (typeof limit === 'number') return { kind: 'latency', quantile, maxMs: limit, timesOld: null }
  const { max = null, times_old: timesOld = null } = limit
  return { kind: 'latency', quantile, maxMs: max, timesOld }
}
