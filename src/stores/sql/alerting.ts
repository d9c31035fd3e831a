import type { Kysely } from 'kysely'
import type { AlertingReads, AlertingWrites, Group, Silence, Trouble } from '#alerting'

export interface AlertingTables {
  troubles: {
    id: string
    place: string
    open_key: string | null
    project: string
    endpoint: string
    kind: string
    body: string
  }
  alert_groups: { id: string; open_key: string | null; body: string }
  silences: { id: string; until_ms: number; body: string }
}

export function alertingReads(db: Kysely<AlertingTables>): AlertingReads {
  return { ...troubleReads(db), ...groupReads(db), ...silenceReads(db) }
}

function troubleReads(
  db: Kysely<AlertingTables>,
): Pick<AlertingReads, 'findTrouble' | 'openTrouble' | 'troubles' | 'troublesOf'> {
  const bodies = () => db.selectFrom('troubles').select('body')
  return {
    findTrouble: async (id) =>
      bodyOf(await bodies().where('id', '=', id).executeTakeFirst()) as Trouble | undefined,
    openTrouble: async (key) =>
      bodyOf(await bodies().where('open_key', '=', key).executeTakeFirst()) as Trouble | undefined,
    troubles: async ({ limit, open, before, ...wanted }) => {
      let query = bodies().orderBy('place', 'desc').limit(limit)
      // Who asks may say more than there are columns for.
      for (const column of ['project', 'endpoint', 'kind'] as const)
        if (wanted[column] !== undefined) query = query.where(column, '=', wanted[column])
      if (open !== undefined) query = query.where('open_key', open ? 'is not' : 'is', null)
      if (before !== undefined) query = query.where('place', '<', before)
      return (await query.execute()).map(bodyOf) as Trouble[]
    },
    troublesOf: async (ids) =>
      ids.length === 0
        ? []
        : ((await bodies().where('id', 'in', ids).execute()).map(bodyOf) as Trouble[]),
  }
}

function groupReads(
  db: Kysely<AlertingTables>,
): Pick<AlertingReads, 'findGroup' | 'openGroup' | 'openGroups'> {
  const bodies = () => db.selectFrom('alert_groups').select('body')
  return {
    findGroup: async (id) =>
      bodyOf(await bodies().where('id', '=', id).executeTakeFirst()) as Group | undefined,
    openGroup: async (key) =>
      bodyOf(await bodies().where('open_key', '=', key).executeTakeFirst()) as Group | undefined,
    openGroups: async () =>
      (await bodies().where('open_key', 'is not', null).orderBy('id').execute()).map(
        bodyOf,
      ) as Group[],
  }
}

function silenceReads(
  db: Kysely<AlertingTables>,
): Pick<AlertingReads, 'findSilence' | 'silencesAfter' | 'silences'> {
  const bodies = () => db.selectFrom('silences').select('body')
  return {
    findSilence: async (id) =>
      bodyOf(await bodies().where('id', '=', id).executeTakeFirst()) as Silence | undefined,
    silencesAfter: async (nowMs) =>
      (await bodies().where('until_ms', '>', nowMs).orderBy('id', 'desc').execute()).map(
        bodyOf,
      ) as Silence[],
    silences: async ({ limit, before }) => {
      let query = bodies().orderBy('id', 'desc').limit(limit)
      if (before !== undefined) query = query.where('id', '<', before)
      return (await query.execute()).map(bodyOf) as Silence[]
    },
  }
}

export function alertingWrites(db: Kysely<AlertingTables>): AlertingWrites {
  return {
    ...alertingReads(db),
    saveTrouble: async (trouble) => {
      const { id, key, place, project, endpoint, kind, clearedMs } = trouble
      const row = { open_key: clearedMs === null ? key : null, body: JSON.stringify(trouble) }
      await db
        .insertInto('troubles')
        .values({ id, place, project, endpoint, kind, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
    saveGroup: async (group) => {
      const row = { open_key: group.isOpen ? group.key : null, body: JSON.stringify(group) }
      await db
        .insertInto('alert_groups')
        .values({ id: group.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
    saveSilence: async (silence) => {
      const row = { until_ms: silence.untilMs, body: JSON.stringify(silence) }
      await db
        .insertInto('silences')
        .values({ id: silence.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
  }
}

function bodyOf(row: { body: string } | undefined): unknown {
  return row === undefined ? undefined : JSON.parse(row.body)
}
