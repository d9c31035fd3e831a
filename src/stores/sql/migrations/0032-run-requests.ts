import type { Migration } from '../migrate.ts'

/** Runs of pipelines that the server is asked for. */
export const runRequestTables: Migration = {
  name: '0032-run-requests',
  up: async (db) => {
    await db.schema
      .createTable('run_requests')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('project', 'text', (column) => column.notNull())
      .addColumn('cause', 'text')
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('asked_ms', 'bigint', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('run_requests_by_time')
      .on('run_requests')
      .columns(['asked_ms', 'id'])
      .execute()
    await db.schema
      .createIndex('run_requests_by_state')
      .on('run_requests')
      .columns(['state', 'asked_ms', 'id'])
      .execute()
    await db.schema
      .createIndex('run_requests_by_project')
      .on('run_requests')
      .columns(['project', 'asked_ms', 'id'])
      .execute()
    await db.schema
      .createIndex('run_requests_by_cause')
      .on('run_requests')
      .columns(['cause', 'asked_ms', 'id'])
      .execute()
  },
}
