import type { Migration } from '../migrate.ts'

export const viewTables: Migration = {
  name: '0015-views',
  up: async (db) => {
    await db.schema
      .createTable('saved_views')
      .addColumn('view_id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('owner', 'text', (column) => column.notNull())
      .addColumn('shared', 'bigint', (column) => column.notNull())
      .addColumn('revision', 'bigint', (column) => column.notNull())
      .addColumn('content', 'text', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addColumn('updated_ms', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('saved_views_by_name')
      .on('saved_views')
      .columns(['name', 'view_id'])
      .execute()
  },
}
