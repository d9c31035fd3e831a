import type { Migration } from '../migrate.ts'

export const servingTables: Migration = {
  name: '0007-serving',
  up: async (db) => {
    await db.schema
      .createTable('endpoints')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('project', 'text', (column) => column.notNull())
      .addColumn('model', 'text', (column) => column.notNull())
      .addColumn('shadows', 'text', (column) => column.notNull())
      .addColumn('monitor', 'text')
      .addColumn('declared_ms', 'bigint', (column) => column.notNull())
      .addColumn('live', 'bigint')
      .addColumn('shadowing', 'text', (column) => column.notNull())
      .addColumn('failure', 'text')
      .execute()
    await db.schema
      .createTable('revisions')
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('number', 'integer', (column) => column.notNull())
      .addColumn('role', 'text', (column) => column.notNull())
      .addColumn('model', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('revisions_pk', ['endpoint', 'number'])
      .execute()
    await db.schema
      .createTable('segments')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('rows', 'bigint', (column) => column.notNull())
      .addColumn('from_ms', 'bigint', (column) => column.notNull())
      .addColumn('to_ms', 'bigint', (column) => column.notNull())
      .addColumn('sealed_ms', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('segments_of_endpoint')
      .on('segments')
      .columns(['endpoint', 'sealed_ms'])
      .execute()
  },
}
