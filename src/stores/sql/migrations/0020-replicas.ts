import type { Migration } from '../migrate.ts'

/** The servers that share this database, which of them leads, and by what their keys are known. */
export const replicaTables: Migration = {
  name: '0020-replicas',
  up: async (db) => {
    await db.schema
      .createTable('replicas')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('home', 'text', (column) => column.notNull())
      .addColumn('url', 'text', (column) => column.notNull())
      .addColumn('version', 'text', (column) => column.notNull())
      .addColumn('started_ms', 'bigint', (column) => column.notNull())
      .execute()
    // One row at most: the home whose server leads, or led last.
    await db.schema
      .createTable('lead')
      .addColumn('number', 'integer', (column) => column.primaryKey())
      .addColumn('home', 'text', (column) => column.notNull())
      .addColumn('replica', 'text', (column) => column.notNull())
      .addColumn('since_ms', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('shared_keys')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('fingerprint', 'text', (column) => column.notNull())
      .execute()
  },
}
