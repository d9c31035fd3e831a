import { Problem } from '#base/problem'
import type { EndpointSettings } from './settings.ts'

/** Callers that are counted at the same time; beyond, those who asked longest ago begin anew. */
const CALLERS_MAX = 10_000

interface Bucket {
  left: number
  atMs: number
}

/** Gives what throws `quota` for a caller that asks an endpoint more often than its settings permit. */
export function createQuotas() {
  /** In the order in which they were last asked for. */
  const buckets = new Map<string, Bucket>()
  return (
    endpoint: string,
    quota: NonNullable<EndpointSettings['quota']>,
    caller: string | undefined,
    nowMs: number,
  ): void => {
    const key = `${endpoint}\n${caller ?? ''}`
    const bucket = buckets.get(key) ?? { left: quota.burst, atMs: nowMs }
    const gained = ((nowMs - bucket.atMs) / 1000) * quota.perSecond
    bucket.left = Math.min(quota.burst, bucket.left + Math.max(0, gained))
    bucket.atMs = nowMs
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > CALLERS_MAX) buckets.delete(buckets.keys().next().value as string)
    if (bucket.left < 1)
      throw new Problem(
        'quota',
        `endpoint ${endpoint} takes ${quota.perSecond} requests a second from one caller; wait and try again`,
      )
    bucket.left -= 1
  }
}
