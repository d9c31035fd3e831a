import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Entry, Follower, LedgerWrites } from '#ledger'
import type { RegistryReads } from '#registry'
import type { WorkWrites } from '#work'
import { DELIVERY_LIFE_MS, type Delivery } from './delivery.ts'
import { dialectOf, type Dialects, type Message } from './dialect.ts'
import type { WebhookReads, WebhookWrites } from './store.ts'
import { withTurn } from './turn.ts'
import type { Webhook } from './webhook.ts'

interface Tx {
  readonly webhooks: WebhookWrites
  readonly registry: RegistryReads
  readonly work: WorkWrites
  readonly ledger: LedgerWrites
}

/** Makes a delivery of each fact for each webhook that asked for it. Sending them is a job's. */
export function webhookFollower(dependencies: {
  read: WebhookReads
  dialects: Dialects
  clock: Clock
  ids: Ids
}): Follower<Tx> {
  const { read, dialects } = dependencies
  return {
    name: 'webhooks',
    types: async () => {
      const wanted = (await read.enabled()).map((webhook) =>
        dialectOf(dialects, webhook).factTypes(webhook.events),
      )
      return wanted.includes('all') ? 'all' : [...new Set((wanted as string[][]).flat())]
    },
    follow: async (entry, tx) => {
      for (const webhook of await tx.webhooks.enabled()) {
        if (entry.position <= webhook.after) continue
        const message = await dialectOf(dialects, webhook).message(entry, webhook, tx.registry)
        if (message !== undefined) await enqueue(dependencies, tx, { webhook, entry, message })
      }
    },
  }
}

async function enqueue(
  { clock, ids }: { clock: Clock; ids: Ids },
  { webhooks, work }: Tx,
  { webhook, entry, message }: { webhook: Webhook; entry: Entry; message: Message },
): Promise<void> {
  const nowMs = clock.nowMs()
  const delivery: Delivery = {
    id: `msg_${webhook.id}_${entry.position}`,
    place: ids.ulid(),
    webhook: webhook.id,
    event: message.event,
    body: message.body,
    lane: message.lane ?? null,
    position: entry.position,
    state: 'waiting',
    attempts: 0,
    nextMs: nowMs,
    expiresMs: nowMs + DELIVERY_LIFE_MS,
    createdMs: nowMs,
    lastMs: null,
    response: null,
    error: null,
  }
  await webhooks.addDeliveries([delivery])
  const next = await withTurn(webhook, nowMs, { work, ids })
  if (next !== webhook) await webhooks.save(next)
}
