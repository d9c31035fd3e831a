import type { Migration } from '../migrate.ts'

/** Where this database was moved from or to: at most one of two copies of an installation may be used. */
export const moveTables: Migration = {
  name: '0024-moves',
  up: async (db) => {
    await db.schema
      .createTable('moves')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('place', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .execute()
  },
}
