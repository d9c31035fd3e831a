import type { Migration } from '../migrate.ts'

export const automationTables: Migration = {
  name: '0010-automation',
  up: async (db) => {
    await db.schema
      .createTable('policy_runs')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('project', 'text', (column) => column.notNull())
      .addColumn('policy', 'text', (column) => column.notNull())
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('cause', 'bigint', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('event_ms', 'bigint', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('policy_runs_by_policy')
      .on('policy_runs')
      .columns(['project', 'policy', 'cause'])
      .execute()
    await db.schema
      .createIndex('policy_runs_by_state')
      .on('policy_runs')
      .columns(['state', 'endpoint'])
      .execute()
  },
}
