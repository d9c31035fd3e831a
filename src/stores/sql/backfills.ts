import type { Kysely } from 'kysely'
import type { AutomationReads, AutomationWrites, Backfill, BackfillDate } from '#automation'
import { chunksOf } from './chunks.ts'

type BackfillReads = Pick<
  AutomationReads,
  'findBackfill' | 'listBackfills' | 'findDate' | 'dates' | 'countDates'
>
type BackfillWrites = BackfillReads &
  Pick<AutomationWrites, 'saveBackfill' | 'saveDates' | 'cancelDates' | 'reopenDates'>

interface DateRow {
  backfill: string
  number: number
  start_ms: number
  end_ms: number
  state: string
  tries: number
  request: string | null
  reason: string | null
}

export interface BackfillTables {
  backfills: { id: string; project: string; body: string }
  backfill_dates: DateRow
}

export function backfillReads(db: Kysely<BackfillTables>): BackfillReads {
  const dates = (backfill: string) =>
    db.selectFrom('backfill_dates').selectAll().where('backfill', '=', backfill)
  return {
    findBackfill: async (id) => {
      const row = await db
        .selectFrom('backfills')
        .select('body')
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : (JSON.parse(row.body) as Backfill)
    },
    listBackfills: async ({ limit, before, project }) => {
      let query = db.selectFrom('backfills').select('body').orderBy('id', 'desc').limit(limit)
      if (before !== undefined) query = query.where('id', '<', before)
      if (project !== undefined) query = query.where('project', '=', project)
      return (await query.execute()).map(({ body }) => JSON.parse(body) as Backfill)
    },
    findDate: async (backfill, number) => {
      const row = await dates(backfill).where('number', '=', number).executeTakeFirst()
      return row === undefined ? undefined : dateOf(row)
    },
    dates: async (backfill, { limit, after, state }) => {
      let query = dates(backfill).orderBy('number').limit(limit)
      if (after !== undefined) query = query.where('number', '>', after)
      if (state !== undefined) query = query.where('state', '=', state)
      return (await query.execute()).map(dateOf)
    },
    countDates: async (backfill) => {
      const rows = await db
        .selectFrom('backfill_dates')
        .select((e) => ['state', e.fn.countAll().as('count')])
        .where('backfill', '=', backfill)
        .groupBy('state')
        .execute()
      const counts = { waiting: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 }
      const found = rows.map(({ state, count }) => [state, Number(count)])
      return { ...counts, ...(Object.fromEntries(found) as Partial<typeof counts>) }
    },
  }
}

export function backfillWrites(db: Kysely<BackfillTables>): BackfillWrites {
  return {
    ...backfillReads(db),
    saveBackfill: async (backfill) => {
      const row = { project: backfill.project, body: JSON.stringify(backfill) }
      await db
        .insertInto('backfills')
        .values({ id: backfill.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
    saveDates: async (dates) => {
      for (const chunk of chunksOf(dates))
        await db
          .insertInto('backfill_dates')
          .values(chunk.map(rowOf))
          .onConflict((conflict) =>
            conflict.columns(['backfill', 'number']).doUpdateSet((e) => ({
              state: e.ref('excluded.state'),
              tries: e.ref('excluded.tries'),
              request: e.ref('excluded.request'),
              reason: e.ref('excluded.reason'),
            })),
          )
          .execute()
    },
    cancelDates: async (backfill) => {
      await db
        .updateTable('backfill_dates')
        .set({ state: 'cancelled' })
        .where('backfill', '=', backfill)
        .where('state', '=', 'waiting')
        .execute()
    },
    reopenDates: async (backfill) => {
      const { numUpdatedRows } = await db
        .updateTable('backfill_dates')
        .set({ state: 'waiting', reason: null })
        .where('backfill', '=', backfill)
        .where('state', 'in', ['failed', 'cancelled'])
        .executeTakeFirst()
      return Number(numUpdatedRows)
    },
  }
}

function dateOf({ start_ms, end_ms, ...row }: DateRow): BackfillDate {
  return {
    ...row,
    startMs: start_ms,
    endMs: end_ms,
    state: row.state as BackfillDate['state'],
  }
}

function rowOf({ startMs, endMs, ...date }: BackfillDate): DateRow {
  return { ...date, start_ms: startMs, end_ms: endMs }
}
