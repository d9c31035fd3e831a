import type { Kysely } from 'kysely'
import type { Promotion, PromotionReads, PromotionWrites } from '#governance'

export interface GovernanceTables {
  promotions: {
    id: string
    model: string
    version: number
    alias: string
    replaced: number | null
    requested_by: string
    cause: string | null
    event_ms: number | null
    created_ms: number
    outcome: string
  }
}

export function promotionReads(db: Kysely<GovernanceTables>): PromotionReads {
  return {
    find: async (id) => {
      const row = await db
        .selectFrom('promotions')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : promotionOf(row)
    },
    list: async ({ limit, before, model }) => {
      // Not by id alone: those that policies ask for are named after their policy run.
      let query = db
        .selectFrom('promotions')
        .selectAll()
        .orderBy('created_ms', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
      if (before !== undefined)
        query = query.where((e) =>
          e(
            e.refTuple('created_ms', 'id'),
            '<',
            e
              .selectFrom('promotions as mark')
              .select(['mark.created_ms', 'mark.id'])
              .where('mark.id', '=', before)
              .$asTuple('created_ms', 'id'),
          ),
        )
      if (model !== undefined) query = query.where('model', '=', model)
      return (await query.execute()).map(promotionOf)
    },
  }
}

export function promotionWrites(db: Kysely<GovernanceTables>): PromotionWrites {
  return {
    ...promotionReads(db),
    save: async (promotion) => {
      const { id, ...row } = rowOf(promotion)
      await db
        .insertInto('promotions')
        .values({ id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
  }
}

function rowOf(promotion: Promotion): GovernanceTables['promotions'] {
  return {
    id: promotion.id,
    model: promotion.model,
    version: promotion.version,
    alias: promotion.alias,
    replaced: promotion.replaced,
    requested_by: JSON.stringify(promotion.requestedBy),
    cause: promotion.cause === null ? null : JSON.stringify(promotion.cause),
    event_ms: promotion.eventMs,
    created_ms: promotion.createdMs,
    outcome: JSON.stringify(promotion.outcome),
  }
}

function promotionOf(row: GovernanceTables['promotions']): Promotion {
  return {
    id: row.id,
    model: row.model,
    version: row.version,
    alias: row.alias,
    replaced: row.replaced,
    requestedBy: JSON.parse(row.requested_by) as Promotion['requestedBy'],
    cause: row.cause === null ? null : (JSON.parse(row.cause) as Promotion['cause']),
    eventMs: row.event_ms,
    createdMs: row.created_ms,
    outcome: JSON.parse(row.outcome) as Promotion['outcome'],
  }
}
