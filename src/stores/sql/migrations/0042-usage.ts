import type { Migration } from '../migrate.ts'

/** What revisions answered in each hour, and what that took. */
export const usageTables: Migration = {
  name: '0042-usage',
  up: async (db) => {
    await db.schema
      .createTable('usage_hours')
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('start_ms', 'bigint', (column) => column.notNull())
      .addColumn('revision', 'integer', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('usage_hours_key', ['endpoint', 'start_ms', 'revision'])
      .execute()
    await db.schema.createIndex('usage_hours_start').on('usage_hours').column('start_ms').execute()
  },
}
