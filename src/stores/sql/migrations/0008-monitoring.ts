import type { Migration } from '../migrate.ts'

export const monitoringTables: Migration = {
  name: '0008-monitoring',
  up: async (db) => {
    await db.schema
      .createTable('windows')
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('start_ms', 'bigint', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('windows_key', ['endpoint', 'start_ms'])
      .execute()
    await db.schema
      .createTable('window_progress')
      .addColumn('endpoint', 'text', (column) => column.primaryKey())
      .addColumn('drift_ms', 'bigint')
      .addColumn('performance_ms', 'bigint')
      .execute()
    await db.schema
      .createTable('alerts')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('raised_ms', 'bigint', (column) => column.notNull())
      .addColumn('cleared_ms', 'bigint')
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('alerts_by_time')
      .on('alerts')
      .columns(['raised_ms', 'id'])
      .execute()
    await db.schema
      .createTable('reference_profiles')
      .addColumn('key', 'text', (column) => column.primaryKey())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
  },
}
