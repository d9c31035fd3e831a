import { clustered } from '../dialect.ts'
import type { Migration } from '../migrate.ts'

/** Places for data that DVC uses as remotes, their tokens, and which object each key means. */
export const dataStoreTables: Migration = {
  name: '0031-data-stores',
  up: async (db) => {
    await db.schema
      .createTable('data_stores')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull().unique())
      .addColumn('access', 'text', (column) => column.notNull())
      .addColumn('quota_bytes', 'bigint')
      .addColumn('used_bytes', 'bigint', (column) => column.notNull())
      .addColumn('files', 'bigint', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('data_store_tokens')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('store', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('access', 'text', (column) => column.notNull())
      .addColumn('hash', 'text', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('data_store_tokens_by_hash')
      .on('data_store_tokens')
      .columns(['store', 'hash'])
      .execute()
    await db.schema
      .createTable('data_store_files')
      .addColumn('store', 'text', (column) => column.notNull())
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('size_bytes', 'bigint', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('data_store_files_key', ['store', 'key'])
      .modifyEnd(clustered(db))
      .execute()
    // The freeing of objects asks who refers to them.
    await db.schema
      .createIndex('data_store_files_by_digest')
      .on('data_store_files')
      .column('digest')
      .execute()
  },
}
