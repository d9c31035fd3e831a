import type { Migration } from '../migrate.ts'

/** Runs of candidates over what endpoints were asked. */
export const replayTables: Migration = {
  name: '0030-replays',
  up: async (db) => {
    await db.schema
      .createTable('replays')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('model', 'text', (column) => column.notNull())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .addColumn('options', 'text', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('replays_by_time')
      .on('replays')
      .columns(['created_ms', 'id'])
      .execute()
  },
}
