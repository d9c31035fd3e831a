import type { Migration } from '../migrate.ts'

export const governanceTables: Migration = {
  name: '0009-governance',
  up: async (db) => {
    await db.schema
      .createTable('promotions')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('model', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('alias', 'text', (column) => column.notNull())
      .addColumn('replaced', 'integer')
      .addColumn('requested_by', 'text', (column) => column.notNull())
      .addColumn('cause', 'text')
      .addColumn('event_ms', 'bigint')
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('promotions_by_model')
      .on('promotions')
      .columns(['model', 'id'])
      .execute()
  },
}
