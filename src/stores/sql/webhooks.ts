import { sql, type Kysely, type Selectable, type SqlBool } from 'kysely'
import type { Delivery, DialectName, Webhook, WebhookReads, WebhookWrites } from '#webhooks'

interface DeliveryRow {
  id: string
  webhook: string
  place: string
  event: string
  lane: string | null
  position: number | null
  body: string
  state: Delivery['state']
  attempts: number
  next_ms: number | null
  expires_ms: number
  created_ms: number
  last_ms: number | null
  response_status: number | null
  response_body: string | null
  error: string | null
}

export interface WebhookTables {
  webhooks: { id: string; dialect: DialectName; enabled: number; body: string }
  webhook_deliveries: DeliveryRow
}

/** Destinations of alerts are declared by projects, and are in nobody's list of webhooks. */
const isNotDeclared = sql<SqlBool>`dialect not like 'alert-%'`

export function webhookReads(db: Kysely<WebhookTables>): WebhookReads {
  const bodies = () => db.selectFrom('webhooks').select('body')
  return {
    find: async (id) => {
      const row = await bodies().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : webhookOf(row)
    },
    list: async ({ limit, before, dialect }) => {
      let query = bodies().orderBy('id', 'desc').limit(limit)
      if (before !== undefined) query = query.where('id', '<', before)
      query =
        dialect === undefined ? query.where(isNotDeclared) : query.where('dialect', '=', dialect)
      return (await query.execute()).map(webhookOf)
    },
    enabled: async () =>
      (await bodies().where('enabled', '=', 1).orderBy('id').execute()).map(webhookOf),
    count: async () => {
      const { count } = await db
        .selectFrom('webhooks')
        .select((e) => e.fn.countAll<number>().as('count'))
        .where(isNotDeclared)
        .executeTakeFirstOrThrow()
      return count
    },
    ...deliveryReads(db),
  }
}

function deliveryReads(
  db: Kysely<WebhookTables>,
): Pick<WebhookReads, 'findDelivery' | 'deliveries' | 'due' | 'nextDueMs'> {
  const rows = () => db.selectFrom('webhook_deliveries').selectAll()
  return {
    findDelivery: async (id) => {
      const row = await rows().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : deliveryOf(row)
    },
    deliveries: async ({ webhook, limit, before, state }) => {
      let query = rows().where('webhook', '=', webhook).orderBy('place', 'desc').limit(limit)
      if (before !== undefined) query = query.where('place', '<', before)
      if (state !== undefined) query = query.where('state', '=', state)
      return (await query.execute()).map(deliveryOf)
    },
    due: async (webhook, nowMs, limit) => {
      const due = await rows()
        .where('webhook', '=', webhook)
        .where('state', '=', 'waiting')
        .where('next_ms', '<=', nowMs)
        .where(firstOfLane)
        .orderBy('next_ms')
        .orderBy('place')
        .limit(limit)
        .execute()
      return due.map(deliveryOf)
    },
    nextDueMs: async (webhook) => {
      const row = await db
        .selectFrom('webhook_deliveries')
        .select('next_ms')
        .where('webhook', '=', webhook)
        .where('state', '=', 'waiting')
        .where(firstOfLane)
        .orderBy('next_ms')
        .limit(1)
        .executeTakeFirst()
      return row?.next_ms ?? undefined
    },
  }
}

/** Whether nothing that waits in the delivery's lane comes before it. */
const firstOfLane = sql<SqlBool>`(lane is null or not exists (
  select 1 from webhook_deliveries as earlier
  where earlier.webhook = webhook_deliveries.webhook and earlier.lane = webhook_deliveries.lane
    and earlier.state = 'waiting' and earlier.place < webhook_deliveries.place))`

export function webhookWrites(db: Kysely<WebhookTables>): WebhookWrites {
  return {
    ...webhookReads(db),
    save: async (webhook) => {
      const row = {
        dialect: webhook.dialect,
        enabled: webhook.enabled ? 1 : 0,
        body: JSON.stringify(webhook),
      }
      await db
        .insertInto('webhooks')
        .values({ id: webhook.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
    delete: async (id) => {
      await db.deleteFrom('webhook_deliveries').where('webhook', '=', id).execute()
      await db.deleteFrom('webhooks').where('id', '=', id).execute()
    },
    addDeliveries: async (deliveries) => {
      if (deliveries.length === 0) return
      await db
        .insertInto('webhook_deliveries')
        .values(deliveries.map(rowOf))
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute()
    },
    saveDelivery: async (delivery) => {
      const { id, ...row } = rowOf(delivery)
      await db.updateTable('webhook_deliveries').set(row).where('id', '=', id).execute()
    },
    cancelWaiting: async (webhook, because) => {
      await db
        .updateTable('webhook_deliveries')
        .set({ state: 'cancelled', next_ms: null, error: because })
        .where('webhook', '=', webhook)
        .where('state', '=', 'waiting')
        .execute()
    },
    forget: async (webhook, createdBeforeMs) => {
      await db
        .deleteFrom('webhook_deliveries')
        .where('webhook', '=', webhook)
        .where('state', '!=', 'waiting')
        .where('created_ms', '<', createdBeforeMs)
        .execute()
    },
  }
}

function webhookOf({ body }: { body: string }): Webhook {
  return JSON.parse(body) as Webhook
}

function rowOf({ response, nextMs, expiresMs, createdMs, lastMs, ...rest }: Delivery): DeliveryRow {
  return {
    ...rest,
    next_ms: nextMs,
    expires_ms: expiresMs,
    created_ms: createdMs,
    last_ms: lastMs,
    response_status: response?.status ?? null,
    response_body: response?.body ?? null,
  }
}

function deliveryOf(row: Selectable<DeliveryRow>): Delivery {
  return {
    id: row.id,
    place: row.place,
    webhook: row.webhook,
    event: row.event,
    lane: row.lane,
    position: row.position,
    body: row.body,
    state: row.state,
    attempts: row.attempts,
    nextMs: row.next_ms,
    expiresMs: row.expires_ms,
    createdMs: row.created_ms,
    lastMs: row.last_ms,
    response:
      row.response_status === null
        ? null
        : { status: row.response_status, body: row.response_body ?? '' },
    error: row.error,
  }
}
