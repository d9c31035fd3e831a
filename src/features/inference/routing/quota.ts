import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import type { PredictionRequest } from '../request.ts'
import { headerIn } from './headers.ts'
import type { Quota } from '../settings.ts'

/** Callers that are counted at the same time; beyond, those who asked longest ago begin anew. */
const CALLERS_MAX = 10_000

/** Longer names of callers are kept by their digests, so that they take no more memory than others. */
const NAME_CHARS_MAX = 100

/** What tells callers apart. */
export type Caller = Pick<PredictionRequest, 'stickyKey' | 'headers'>

interface Bucket {
  left: number
  atMs: number
}

/** Gives what throws `quota` for a caller that asks an endpoint more often than its settings permit. */
export function createQuotas() {
  /** In the order in which they were last asked for. */
  const buckets = new Map<string, Bucket>()
  return (endpoint: string, quota: Quota, caller: Caller, nowMs: number): void => {
    const key = `${endpoint}\n${callerOf(caller, quota)}`
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
        { retryAfterMs: Math.ceil((1000 * (1 - bucket.left)) / quota.perSecond) },
      )
    bucket.left -= 1
  }
}

function callerOf({ stickyKey, headers = {} }: Caller, { by }: Quota): string {
  const name = (by === undefined ? stickyKey : headerIn(headers, by)) ?? ''
  return name.length > NAME_CHARS_MAX ? sha256(name) : name
}
