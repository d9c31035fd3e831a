import type { Migration } from '../migrate.ts'

/** Search engines that are sent the logs, and how far they have been. */
export const logReceiverTables: Migration = {
  name: '0041-log-receivers',
  up: async (db) => {
    await db.schema
      .createTable('log_receivers')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull().unique())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
  },
}
