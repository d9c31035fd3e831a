import type { Clock } from '#base/clock'
import { messageOf } from '#base/problem'
import { dialectOf, type Destinations, type Dialects, type Seal } from './dialect.ts'
import type { Delivery, Outcome } from './delivery.ts'
import type { Webhook } from './webhook.ts'

export interface Sendable {
  readonly webhook: Webhook
  readonly delivery: Delivery
}

interface Means {
  readonly dialects: Dialects
  readonly destinations: Destinations
  readonly seal: Seal
  readonly clock: Clock
}

/** Sends a delivery once. Never throws: what went wrong is the outcome. */
export async function sendOn(
  { dialects, destinations, seal, clock }: Means,
  { webhook, delivery: { id, body } }: Sendable,
  signal: AbortSignal,
): Promise<Outcome> {
  const atMs = clock.nowMs()
  const dialect = dialectOf(dialects, webhook)
  const post = () => {
    const secrets = webhook.secrets
      .filter(({ untilMs }) => untilMs === null || untilMs > atMs)
      .map(({ sealed }) => seal.open(sealed, webhook.id))
    const headers = dialect.headers({ id, atMs, body, secrets })
    return destinations.post({ url: webhook.url, headers, body, signal })
  }
  try {
    const { status, retryAfterMs, ...answer } = await (dialect.bring === undefined
      ? post()
      : dialect.bring({ webhook, id, atMs, body, signal }))
    const response = { status, body: answer.body }
    if (status >= 200 && status < 300) return { ok: true, response }
    return { ok: false, response, error: refusal(status), retryAfterMs }
  } catch (error) {
    return { ok: false, response: null, error: messageOf(error), retryAfterMs: null }
  }
}

function refusal(status: number): string {
  if (status >= 300 && status < 400)
    return `the receiver answered ${status}, a redirect, which is not followed; give the webhook the final address`
  return `the receiver answered ${status}`
}
