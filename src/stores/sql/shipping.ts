import type { Kysely } from 'kysely'
import type { LogReceiver, ShippingReads, ShippingWrites } from '#shipping'

export interface ShippingTables {
  log_receivers: { id: string; name: string; body: string }
}

export function shippingReads(db: Kysely<ShippingTables>): ShippingReads {
  const bodies = db.selectFrom('log_receivers').select('body').orderBy('name')
  return {
    list: async () => (await bodies.execute()).map(({ body }) => JSON.parse(body) as LogReceiver),
    find: async (id) => {
      const row = await bodies.where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : (JSON.parse(row.body) as LogReceiver)
    },
  }
}

export function shippingWrites(db: Kysely<ShippingTables>): ShippingWrites {
  return {
    ...shippingReads(db),
    save: async (receiver) => {
      const { id, name } = receiver
      const body = JSON.stringify(receiver)
      await db
        .insertInto('log_receivers')
        .values({ id, name, body })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ name, body }))
        .execute()
    },
    remove: async (id) => {
      await db.deleteFrom('log_receivers').where('id', '=', id).execute()
    },
  }
}
