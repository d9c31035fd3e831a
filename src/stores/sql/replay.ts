import type { Kysely } from 'kysely'
import type { Replay, ReplayReads, ReplayWrites } from '#replay'

export interface ReplayTables {
  replays: {
    id: string
    endpoint: string
    model: string
    version: number
    options: string
    created_ms: number
    outcome: string
  }
}

export function replayReads(db: Kysely<ReplayTables>): ReplayReads {
  const replays = db.selectFrom('replays').selectAll()
  return {
    find: async (id) => {
      const row = await replays.where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : replayOf(row)
    },
    list: async ({ limit, before, endpoint }) => {
      // Not by id alone: those that promotions ask for are named after them.
      let query = replays.orderBy('created_ms', 'desc').orderBy('id', 'desc').limit(limit)
      if (before !== undefined)
        query = query.where((e) =>
          e(
            e.refTuple('created_ms', 'id'),
            '<',
            e
              .selectFrom('replays as mark')
              .select(['mark.created_ms', 'mark.id'])
              .where('mark.id', '=', before)
              .$asTuple('created_ms', 'id'),
          ),
        )
      if (endpoint !== undefined) query = query.where('endpoint', '=', endpoint)
      return (await query.execute()).map(replayOf)
    },
  }
}

export function replayWrites(db: Kysely<ReplayTables>): ReplayWrites {
  return {
    ...replayReads(db),
    save: async (replay) => {
      const { id, ...row } = rowOf(replay)
      await db
        .insertInto('replays')
        .values({ id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
  }
}

function rowOf(replay: Replay): ReplayTables['replays'] {
  return {
    id: replay.id,
    endpoint: replay.endpoint,
    model: replay.model,
    version: replay.version,
    options: JSON.stringify(replay.options),
    created_ms: replay.createdMs,
    outcome: JSON.stringify(replay.outcome),
  }
}

function replayOf(row: ReplayTables['replays']): Replay {
  return {
    id: row.id,
    endpoint: row.endpoint,
    model: row.model,
    version: row.version,
    options: JSON.parse(row.options) as Replay['options'],
    createdMs: row.created_ms,
    outcome: JSON.parse(row.outcome) as Replay['outcome'],
  }
}
