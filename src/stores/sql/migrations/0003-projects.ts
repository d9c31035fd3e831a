import type { Migration } from '../migrate.ts'

export const projectTables: Migration = {
  name: '0003-projects',
  up: async (db) => {
    await db.schema
      .createTable('projects')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('origin', 'text', (column) => column.notNull())
      .addColumn('branch', 'text', (column) => column.notNull())
      .addColumn('commit_sha', 'text', (column) => column.notNull())
      .addColumn('config', 'text', (column) => column.notNull())
      .addColumn('data', 'text', (column) => column.notNull())
      .addColumn('synced_ms', 'bigint', (column) => column.notNull())
      .execute()
  },
}
