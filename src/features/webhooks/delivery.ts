import { sha256 } from '#base/digest'

/** One message to one webhook, and what became of it. */
export interface Delivery {
  /** The message's own id: the same at each attempt, so that a receiver can tell a repetition. */
  readonly id: string
  /** Sorts deliveries by the order in which they came about. */
  readonly place: string
  readonly webhook: string
  /** What the message tells, as its dialect names it. */
  readonly event: string
  /** Position of the fact that it tells; null for a test. */
  readonly position: number | null
  /** Messages of one lane go out one after the other, in the order of their places; null where the order is nothing. */
  readonly lane: string | null
  /** The exact text that is signed and sent, at each attempt. */
  readonly body: string
  readonly state: 'waiting' | 'delivered' | 'failed' | 'cancelled'
  readonly attempts: number
  /** When it is tried next; null when it is over. */
  readonly nextMs: number | null
  /** After this a failure is the last one. */
  readonly expiresMs: number
  readonly createdMs: number
  readonly lastMs: number | null
  /** How the last attempt was answered; null when it was not. */
  readonly response: Response | null
  /** Why the last attempt failed; null when it did not. */
  readonly error: string | null
}

/** What a receiver answered. */
export interface Response {
  readonly status: number
  /** The beginning of the answer. */
  readonly body: string
}

/** How one attempt went. */
export type Outcome =
  | { readonly ok: true; readonly response: Response }
  | {
      readonly ok: false
      readonly response: Response | null
      readonly error: string
      /** When the receiver asked to be called again. */
      readonly retryAfterMs: number | null
    }

const DAY_MS = 86_400_000
/** As Standard Webhooks proposes: a receiver that was down over a long weekend misses nothing. */
export const DELIVERY_LIFE_MS = 5 * DAY_MS
/** A receiver that has only failed for so long is not called any more. */
export const FAILING_MAX_MS = 5 * DAY_MS
/** So long the log tells of a delivery that is over. */
export const LOG_KEPT_MS = 30 * DAY_MS
/** After so many failures in a row one delivery at a time tries whether the receiver is back. */
export const FAILURES_BEFORE_PAUSE = 3
const PAUSE_MAX_MS = 3_600_000
/** Who waits for an alert does not wait for half a day because its receiver was away for one. */
export const URGENT_RETRY_MAX_MS = 300_000

/** How long to wait after attempt number `attempts` of a delivery: 5 s, 20 s, 80 s … 12 h, a fifth more or less. */
export function retryDelayMs(id: string, attempts: number): number {
  const delayMs = Math.min(DAY_MS / 2, 5000 * 4 ** Math.max(0, attempts - 1))
  // Spread by the id, so that what failed together is not tried together, and is the same when played again.
  const spread = Number.parseInt(sha256(`${id} ${attempts}`).slice(0, 8), 16) / 2 ** 32
  return Math.round(delayMs * (0.8 + 0.4 * spread))
}

/** How long a receiver with so many failures in a row is left alone. */
export function pauseMs(webhook: string, failures: number, maxMs = PAUSE_MAX_MS): number {
  return failures < FAILURES_BEFORE_PAUSE
    ? 0
    : Math.min(maxMs, retryDelayMs(webhook, failures - FAILURES_BEFORE_PAUSE + 1))
}

/** The delivery after an attempt that ended at `nowMs`. */
export function attempted(
  delivery: Delivery,
  outcome: Outcome,
  nowMs: number,
  retryMaxMs = Number.POSITIVE_INFINITY,
): Delivery {
  const tried = {
    ...delivery,
    attempts: delivery.attempts + 1,
    lastMs: nowMs,
    response: outcome.response,
  }
  if (outcome.ok) return { ...tried, state: 'delivered', nextMs: null, error: null }
  if (nowMs >= delivery.expiresMs || delivery.position === null)
    return { ...tried, state: 'failed', nextMs: null, error: outcome.error }
  const ownMs = Math.min(retryMaxMs, retryDelayMs(delivery.id, tried.attempts))
  const delayMs = Math.max(ownMs, outcome.retryAfterMs ?? 0)
  return { ...tried, nextMs: nowMs + delayMs, error: outcome.error }
}
