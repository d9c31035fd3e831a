import { blobType, makeAppendOnly } from '../dialect.ts'
import type { Migration } from '../migrate.ts'

export const ledgerTables: Migration = {
  name: '0001-ledger',
  up: async (db) => {
    await db.schema
      .createTable('ledger_entries')
      .addColumn('position', 'bigint', (column) => column.primaryKey())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('event_ms', 'bigint')
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('ledger_entries_by_type')
      .on('ledger_entries')
      .columns(['type', 'position'])
      .execute()
    await db.schema
      .createTable('ledger_nodes')
      .addColumn('level', 'integer', (column) => column.notNull())
      .addColumn('idx', 'bigint', (column) => column.notNull())
      .addColumn('hash', blobType(db), (column) => column.notNull())
      .addPrimaryKeyConstraint('ledger_nodes_key', ['level', 'idx'])
      .execute()
    await db.schema
      .createTable('ledger_checkpoints')
      .addColumn('size', 'bigint', (column) => column.primaryKey())
      .addColumn('note', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('ledger_edges')
      .addColumn('position', 'bigint', (column) => column.notNull())
      .addColumn('ordinal', 'integer', (column) => column.notNull())
      .addColumn('from_kind', 'text', (column) => column.notNull())
      .addColumn('from_id', 'text', (column) => column.notNull())
      .addColumn('relation', 'text', (column) => column.notNull())
      .addColumn('to_kind', 'text', (column) => column.notNull())
      .addColumn('to_id', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('ledger_edges_key', ['position', 'ordinal'])
      .execute()
    await db.schema
      .createIndex('ledger_edges_from')
      .on('ledger_edges')
      .columns(['from_kind', 'from_id'])
      .execute()
    await db.schema
      .createIndex('ledger_edges_to')
      .on('ledger_edges')
      .columns(['to_kind', 'to_id'])
      .execute()
    await db.schema
      .createTable('ledger_cursors')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('position', 'bigint', (column) => column.notNull())
      .execute()
    for (const table of ['ledger_entries', 'ledger_nodes', 'ledger_checkpoints', 'ledger_edges'])
      await makeAppendOnly(db, { table, why: 'the ledger is only ever added to' })
  },
}
