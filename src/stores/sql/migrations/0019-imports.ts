import type { Migration } from '../migrate.ts'

export const importTables: Migration = {
  name: '0019-imports',
  up: async (db) => {
    await db.schema
      .createTable('import_marks')
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('own_id', 'text', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('import_marks_key', ['source', 'kind', 'id'])
      .execute()
  },
}
