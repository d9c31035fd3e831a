import type { Ids } from '#base/ids'
import type { WorkWrites } from '#work'
import type { Webhook } from './webhook.ts'

export const DELIVER_WEBHOOK = 'deliver-webhook'

/**
 * The webhook with a job that looks at its deliveries at `atMs` or before. A webhook has one turn at a time, so that a
 * slow receiver holds up nobody else's; a job that finds that its turn was given to another does nothing.
 */
export async function withTurn(
  webhook: Webhook,
  atMs: number,
  { work, ids }: { work: WorkWrites; ids: Ids },
): Promise<Webhook> {
  const dueMs = Math.max(atMs, webhook.health.pausedUntilMs ?? atMs)
  if (webhook.turn !== null && webhook.turn.atMs <= dueMs) return webhook
  return { ...webhook, turn: await newTurn(webhook.id, dueMs, { work, ids }) }
}

export async function newTurn(
  webhook: string,
  atMs: number,
  { work, ids }: { work: WorkWrites; ids: Ids },
): Promise<{ key: string; atMs: number }> {
  const key = `${DELIVER_WEBHOOK}:${webhook}:${ids.ulid()}`
  await work.enqueue([{ kind: DELIVER_WEBHOOK, key, payload: { webhook }, runAfterMs: atMs }])
  return { key, atMs }
}
