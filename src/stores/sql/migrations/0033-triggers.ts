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
    await db.schema
      .createTable('backfills')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('project', 'text', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('backfill_dates')
      .addColumn('backfill', 'text', (column) => column.notNull())
      .addColumn('number', 'bigint', (column) => column.notNull())
      .addColumn('start_ms', 'bigint', (column) => column.notNull())
      .addColumn('end_ms', 'bigint', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('tries', 'bigint', (column) => column.notNull())
      .addColumn('request', 'text')
      .addColumn('reason', 'text')
      .addPrimaryKeyConstraint('backfill_dates_key', ['backfill', 'number'])
      .modifyEnd(clustered(db))
      .execute()
    await db.schema
      .createIndex('backfill_dates_by_state')
      .on('backfill_dates')
      .columns(['backfill', 'state', 'number'])
      .execute()
  },
}
