import type { Migration } from '../migrate.ts'

export const evaluationTables: Migration = {
  name: '0014-evaluation',
  up: async (db) => {
    await db.schema
      .createTable('evaluation_datasets')
      .addColumn('dataset', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('schema', 'text')
      .addColumn('profile', 'text')
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addColumn('updated_ms', 'bigint', (column) => column.notNull())
      .addColumn('created_by', 'text')
      .addColumn('updated_by', 'text')
      .execute()
    await db.schema
      .createTable('evaluation_dataset_tags')
      .addColumn('dataset', 'text', (column) => column.notNull())
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('evaluation_dataset_tags_pk', ['dataset', 'key'])
      .execute()
    await db.schema
      .createTable('evaluation_dataset_experiments')
      .addColumn('dataset', 'text', (column) => column.notNull())
      .addColumn('experiment', 'text', (column) => column.notNull())
      .addColumn('place', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('evaluation_dataset_experiments_pk', ['dataset', 'experiment'])
      .execute()
    await db.schema
      .createTable('evaluation_records')
      .addColumn('record', 'text', (column) => column.primaryKey())
      .addColumn('dataset', 'text', (column) => column.notNull())
      .addColumn('input_hash', 'text', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('evaluation_records_by_inputs')
      .on('evaluation_records')
      .columns(['dataset', 'input_hash'])
      .unique()
      .execute()
    await db.schema
      .createIndex('evaluation_records_in_order')
      .on('evaluation_records')
      .columns(['dataset', 'created_ms', 'record'])
      .execute()
    await db.schema
      .createTable('scorers')
      .addColumn('experiment', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .addColumn('scorer', 'text', (column) => column.notNull())
      .addColumn('serialized', 'text', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('scorers_pk', ['experiment', 'name', 'version'])
      .execute()
  },
}
