import type { Migration } from '../migrate.ts'

export const workTables: Migration = {
  name: '0002-work',
  up: async (db) => {
    await db.schema
      .createTable('jobs')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('key', 'text', (column) => column.notNull().unique())
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('cuts', 'integer', (column) => column.notNull())
      .addColumn('run_after_ms', 'bigint', (column) => column.notNull())
      .addColumn('lease_owner', 'text')
      .addColumn('lease_until_ms', 'bigint')
      .addColumn('error', 'text')
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('jobs_due')
      .on('jobs')
      .columns(['state', 'kind', 'run_after_ms'])
      .execute()
  },
}
