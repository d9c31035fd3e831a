import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'
import { pastOf } from '../registry/past.ts'

export const registryHistoryTables: Migration = {
  name: '0016-registry-history',
  up: async (db) => {
    await changes(db)
    await names(db)
    await pastOf(db)
  },
}

async function changes(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('registry_changes')
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('ordinal', 'integer', (column) => column.notNull())
    .addColumn('life', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    // 0 for what belongs to the model itself.
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('actor_kind', 'text', (column) => column.notNull())
    .addColumn('actor_id', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addPrimaryKeyConstraint('registry_changes_key', ['position', 'ordinal'])
    .execute()
  await db.schema
    .createIndex('registry_changes_of_life')
    .on('registry_changes')
    .columns(['life', 'position'])
    .execute()
  await db.schema
    .createIndex('registry_changes_of_slot')
    .on('registry_changes')
    .columns(['life', 'kind', 'version', 'key', 'position'])
    .execute()
}

async function names(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('registry_names')
    .addColumn('life', 'bigint', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('until', 'bigint')
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('registry_names_key', ['life', 'since'])
    .execute()
  await db.schema
    .createIndex('registry_names_of_name')
    .on('registry_names')
    .columns(['name', 'since'])
    .execute()
}
