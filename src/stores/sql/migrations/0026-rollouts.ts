import type { Migration } from '../migrate.ts'

/** Moves of traffic from one revision to the next, and how traffic is divided among several. */
export const rolloutTables: Migration = {
  name: '0026-rollouts',
  up: async (db) => {
    await db.schema
      .createTable('rollouts')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('from_revision', 'bigint', (column) => column.notNull())
      .addColumn('to_revision', 'bigint', (column) => column.notNull())
      .addColumn('plan', 'text', (column) => column.notNull())
      .addColumn('progress', 'text', (column) => column.notNull())
      .addColumn('evidence', 'text', (column) => column.notNull())
      .addColumn('started_ms', 'bigint', (column) => column.notNull())
      .addColumn('ended_ms', 'bigint')
      .addColumn('reason', 'text')
      .execute()
    await db.schema
      .createIndex('rollouts_of_endpoint')
      .on('rollouts')
      .columns(['endpoint', 'id'])
      .execute()
    await db.schema.createIndex('rollouts_by_state').on('rollouts').columns(['state']).execute()
    await db.schema.alterTable('endpoints').addColumn('delivery', 'text').execute()
    await db.schema.alterTable('endpoints').addColumn('answering', 'text').execute()
  },
}
