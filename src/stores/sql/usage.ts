import type { Kysely } from 'kysely'
import { joined, type UsageHour, type UsageReads, type UsageWrites } from '#usage'

export interface UsageTables {
  usage_hours: { endpoint: string; start_ms: number; revision: number; body: string }
}

export function usageReads(db: Kysely<UsageTables>): UsageReads {
  return {
    hours: async (endpoint, { fromMs, toMs }) => {
      const rows = await db
        .selectFrom('usage_hours')
        .select('body')
        .where('endpoint', '=', endpoint)
        .where('start_ms', '>=', fromMs)
        .where('start_ms', '<', toMs)
        .orderBy('start_ms')
        .orderBy('revision')
        .execute()
      return rows.map(({ body }) => JSON.parse(body) as UsageHour)
    },
  }
}

export function usageWrites(db: Kysely<UsageTables>): UsageWrites {
  return {
    ...usageReads(db),
    add: async (hours) => {
      for (const hour of hours) {
        const { endpoint, startMs: start_ms, revision } = hour
        const kept = await db
          .selectFrom('usage_hours')
          .select('body')
          .where('endpoint', '=', endpoint)
          .where('start_ms', '=', start_ms)
          .where('revision', '=', revision)
          .executeTakeFirst()
        const all = kept === undefined ? hour : joined(JSON.parse(kept.body) as UsageHour, hour)
        const body = JSON.stringify(all)
        await db
          .insertInto('usage_hours')
          .values({ endpoint, start_ms, revision, body })
          .onConflict((conflict) =>
            conflict.columns(['endpoint', 'start_ms', 'revision']).doUpdateSet({ body }),
          )
          .execute()
      }
    },
    forget: async (beforeMs) => {
      await db.deleteFrom('usage_hours').where('start_ms', '<', beforeMs).execute()
    },
  }
}
