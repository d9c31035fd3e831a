import { clustered } from '../dialect.ts'
import type { Migration } from '../migrate.ts'

/** What other systems told of their runs, and the order in which messages to a webhook that belong together go out. */
export const elsewhereTables: Migration = {
  name: '0035-elsewhere',
  up: async (db) => {
    await db.schema
      .createTable('outside_runs')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('place', 'text', (column) => column.notNull())
      .addColumn('job', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    for (const table of ['outside_jobs', 'outside_datasets'])
      await db.schema
        .createTable(table)
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('place', 'text', (column) => column.notNull())
        .addColumn('namespace', 'text', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .execute()
    for (const table of ['outside_runs', 'outside_jobs', 'outside_datasets'])
      await db.schema.createIndex(`${table}_by_place`).on(table).columns(['place']).execute()
    await db.schema
      .createIndex('outside_runs_by_job')
      .on('outside_runs')
      .columns(['job', 'place'])
      .execute()
    await db.schema
      .createTable('outside_uses')
      .addColumn('run', 'text', (column) => column.notNull())
      .addColumn('role', 'text', (column) => column.notNull())
      .addColumn('dataset', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('untracked_home', 'text')
      .addColumn('body', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('outside_uses_key', ['run', 'role', 'dataset'])
      .modifyEnd(clustered(db))
      .execute()
    await db.schema
      .createIndex('outside_uses_by_dataset')
      .on('outside_uses')
      .columns(['dataset', 'at_ms'])
      .execute()
    await db.schema
      .createIndex('outside_uses_untracked')
      .on('outside_uses')
      .columns(['untracked_home', 'at_ms'])
      .execute()
    await db.schema
      .createTable('outside_events')
      .addColumn('digest', 'text', (column) => column.primaryKey())
      .addColumn('run', 'text')
      .addColumn('change', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('producer', 'text', (column) => column.notNull())
      .modifyEnd(clustered(db))
      .execute()
    await db.schema
      .createIndex('outside_events_by_run')
      .on('outside_events')
      .columns(['run', 'at_ms'])
      .execute()
    await db.schema.alterTable('webhook_deliveries').addColumn('lane', 'text').execute()
    await db.schema
      .createIndex('webhook_deliveries_lanes')
      .on('webhook_deliveries')
      .columns(['webhook', 'lane', 'state', 'place'])
      .execute()
  },
}
