import type { Fact } from '#ledger'
import { originOf, type Webhook } from './webhook.ts'

// Secrets are never told, and of an address only its origin: the ledger forgets nothing.

export function webhookCreated(webhook: Webhook): Fact {
  return { type: 'webhook-created', data: told(webhook) }
}

export function webhookChanged(webhook: Webhook): Fact {
  return { type: 'webhook-changed', data: told(webhook) }
}

export function webhookEnabled({ id, name }: Webhook): Fact {
  return { type: 'webhook-enabled', data: { webhook: id, name } }
}

/** `reason` is null when somebody wanted it so. */
export function webhookDisabled({ id, name }: Webhook, reason: string | null): Fact {
  return { type: 'webhook-disabled', data: { webhook: id, name, reason } }
}

export function webhookSecretRotated({ id, name }: Webhook, overlapMs: number): Fact {
  return { type: 'webhook-secret-rotated', data: { webhook: id, name, overlapMs } }
}

export function webhookDeleted({ id, name }: Webhook): Fact {
  return { type: 'webhook-deleted', data: { webhook: id, name } }
}

function told({ id, name, url, dialect, events, subject }: Webhook) {
  return { webhook: id, name, destination: originOf(url), dialect, events, subject }
}
