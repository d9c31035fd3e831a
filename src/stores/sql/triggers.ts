import type { Kysely } from 'kysely'
import type { AutomationReads, AutomationWrites, Mark } from '#automation'
import { backfillReads, backfillWrites, type BackfillTables } from './backfills.ts'
import { policyRunReads, policyRunWrites, type AutomationTables } from './automation.ts'

interface TriggerTables extends AutomationTables {
  trigger_marks: { kind: string; project: string; name: string; value: string; at_ms: number }
  trigger_keys: { project: string; key: string; at_ms: number }
}

export function automationReads(db: Kysely<TriggerTables>): AutomationReads {
  const rows = () => db.selectFrom('trigger_marks').selectAll()
  return {
    ...policyRunReads(db),
    ...backfillReads(db as unknown as Kysely<BackfillTables>),
    mark: async ({ kind, project, name }) => {
      const row = await rows()
        .where('kind', '=', kind)
        .where('project', '=', project)
        .where('name', '=', name)
        .executeTakeFirst()
      return row === undefined ? undefined : markOf(row)
    },
    marks: async (kind) => (await rows().where('kind', '=', kind).execute()).map(markOf),
  }
}

export function automationWrites(db: Kysely<TriggerTables>): AutomationWrites {
  return {
    ...automationReads(db),
    ...policyRunWrites(db),
    ...backfillWrites(db as unknown as Kysely<BackfillTables>),
    saveMark: async ({ kind, project, name, value, atMs }) => {
      await db
        .insertInto('trigger_marks')
        .values({ kind, project, name, value, at_ms: atMs })
        .onConflict((conflict) =>
          conflict.columns(['kind', 'project', 'name']).doUpdateSet({ value, at_ms: atMs }),
        )
        .execute()
    },
    dropMark: async ({ kind, project, name }) => {
      await db
        .deleteFrom('trigger_marks')
        .where('kind', '=', kind)
        .where('project', '=', project)
        .where('name', '=', name)
        .execute()
    },
    takeKey: async (project, key, atMs) => {
      const kept = await db
        .insertInto('trigger_keys')
        .values({ project, key, at_ms: atMs })
        .onConflict((conflict) => conflict.columns(['project', 'key']).doNothing())
        .returning('at_ms')
        .execute()
      return kept.length > 0
    },
  }
}

function markOf({ kind, at_ms: atMs, ...row }: TriggerTables['trigger_marks']): Mark {
  return { ...row, kind: kind as Mark['kind'], atMs }
}
