import { clustered } from '../dialect.ts'
import type { Migration } from '../migrate.ts'

/** What set policies off, how far schedules, branches and tables were looked at, and the calls that were taken. */
export const triggerTables: Migration = {
  name: '0033-triggers',
  up: async (db) => {
    await db.schema
      .alterTable('policy_runs')
      .addColumn('kind', 'text', (column) => column.notNull().defaultTo('drift'))
      .execute()
    await db.schema
      .alterTable('policy_runs')
      .addColumn('started_ms', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute()
    await db.schema
      .createTable('trigger_marks')
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('project', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('trigger_marks_key', ['kind', 'project', 'name'])
      .modifyEnd(clustered(db))
      .execute()
    await db.schema
      .createTable('trigger_keys')
      .addColumn('project', 'text', (column) => column.notNull())
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('trigger_keys_key', ['project', 'key'])
      .modifyEnd(clustered(db))
      .execute()
  },
}
