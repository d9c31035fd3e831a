import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

export const registryTables: Migration = {
  name: '0005-registry',
  up: async (db) => {
    await db.schema
      .createTable('registered_models')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('note', 'text', (column) => column.notNull())
      // Numbers are given once, so the last one is kept apart from the versions.
      .addColumn('last_version', 'integer', (column) => column.notNull().defaultTo(0))
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addColumn('updated_ms', 'bigint', (column) => column.notNull())
      .execute()
    await ofModel(db, 'registered_model_tags')
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('registered_model_tags_key', ['model', 'key'])
      .execute()
    await versions(db)
    await ofVersion(db, 'model_version_tags')
      .addColumn('key', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('model_version_tags_key', ['model', 'version', 'key'])
      .execute()
    await ofVersion(db, 'model_version_files')
      .addColumn('path', 'text', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('size_bytes', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('model_version_files_key', ['model', 'version', 'path'])
      .execute()
    await ofVersion(db, 'model_aliases')
      .addColumn('alias', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('model_aliases_key', ['model', 'alias'])
      .execute()
  },
}

async function versions(db: Kysely<unknown>): Promise<void> {
  await ofModel(db, 'model_versions')
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('location', 'text', (column) => column.notNull())
    .addColumn('run_id', 'text')
    .addColumn('run_link', 'text')
    .addColumn('logged_model_id', 'text')
    .addColumn('digest', 'text')
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('stage', 'text', (column) => column.notNull())
    .addColumn('note', 'text', (column) => column.notNull())
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('updated_ms', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('model_versions_key', ['model', 'version'])
    .execute()
  await db.schema
    .createIndex('model_versions_of_run')
    .on('model_versions')
    .column('run_id')
    .execute()
}

/** A table whose rows are renamed and go with their model. */
function ofModel(db: Kysely<unknown>, table: string) {
  return db.schema
    .createTable(table)
    .addColumn('model', 'text', (column) =>
      column.notNull().references('registered_models.name').onUpdate('cascade').onDelete('cascade'),
    )
}

/** A table whose rows are renamed and go with their version. */
function ofVersion(db: Kysely<unknown>, table: string) {
  return db.schema
    .createTable(table)
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addForeignKeyConstraint(
      `${table}_of_version`,
      ['model', 'version'],
      'model_versions',
      ['model', 'version'],
      (constraint) => constraint.onUpdate('cascade').onDelete('cascade'),
    )
}
