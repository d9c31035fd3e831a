import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { HookConfig } from '#projects'

/** What a caller shows. */
export interface Shown {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What a proven call says; `key` is the same for the same call sent again. */
export interface Proven {
  readonly key: string
  readonly event: string
}

/** A signed time further from ours than this is no proof. */
const SKEW_MS = 5 * 60_000

/**
 * Whether a call proves that it knows the secret, in the way of its kind; undefined where it does not. The key covers
 * what is signed and nothing else, so that a call cannot be sent again under another name.
 */
export function provenBy(
  from: HookConfig['from'],
  secret: string,
  shown: Shown,
  nowMs: number,
): Proven | undefined {
  const header = (name: string) => textOf(shown.headers[name])
  const digest = createHash('sha256').update(shown.body).digest('hex')
  const signature = createHmac('sha256', secret).update(shown.body).digest('hex')
  switch (from) {
    case 'github':
      return isSame(header('x-hub-signature-256'), `sha256=${signature}`)
        ? { key: digest, event: header('x-github-event') }
        : undefined
    case 'gitea':
      return isSame(header('x-gitea-signature'), signature)
        ? { key: digest, event: header('x-gitea-event') }
        : undefined
    case 'gitlab':
      return isSame(header('x-gitlab-token'), secret)
        ? { key: header('idempotency-key') || digest, event: header('x-gitlab-event') }
        : undefined
    case 'hmac':
  }
  return provenByTime(secret, shown, nowMs)
}

/** HMAC over the time and the body, so that calls with one body are different calls. */
function provenByTime(secret: string, { headers, body }: Shown, nowMs: number): Proven | undefined {
  const time = textOf(headers['x-orrery-timestamp'])
  if (!/^\d{1,12}$/.test(time) || Math.abs(nowMs - Number(time) * 1000) > SKEW_MS) return undefined
  const signed = createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex')
  return isSame(textOf(headers['x-orrery-signature']), `sha256=${signed}`)
    ? { key: signed, event: textOf(headers['x-orrery-event']) }
    : undefined
}

/** Compares in a time that tells neither where two texts differ nor how long the wanted one is. */
function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(digestOf(given), digestOf(wanted))
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function textOf(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header.slice(0, 300) : ''
}
