import type { Migration } from '../migrate.ts'

export const webhookTables: Migration = {
  name: '0013-webhooks',
  up: async (db) => {
    await db.schema
      .createTable('webhooks')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('dialect', 'text', (column) => column.notNull())
      .addColumn('enabled', 'bigint', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('webhook_deliveries')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('webhook', 'text', (column) => column.notNull())
      .addColumn('place', 'text', (column) => column.notNull())
      .addColumn('event', 'text', (column) => column.notNull())
      .addColumn('position', 'bigint')
      .addColumn('body', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('attempts', 'bigint', (column) => column.notNull())
      .addColumn('next_ms', 'bigint')
      .addColumn('expires_ms', 'bigint', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addColumn('last_ms', 'bigint')
      .addColumn('response_status', 'bigint')
      .addColumn('response_body', 'text')
      .addColumn('error', 'text')
      .execute()
    await db.schema
      .createIndex('webhook_deliveries_by_place')
      .on('webhook_deliveries')
      .columns(['webhook', 'place'])
      .execute()
    // What is due is found among those that wait, however long the log of a webhook is.
    await db.schema
      .createIndex('webhook_deliveries_waiting')
      .on('webhook_deliveries')
      .columns(['webhook', 'state', 'next_ms'])
      .execute()
  },
}
