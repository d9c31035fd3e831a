import type { Kysely } from 'kysely'
import { clustered, numberedKey } from '../dialect.ts'
import type { Migration } from '../migrate.ts'

export const trackingTables: Migration = {
  name: '0004-tracking',
  up: async (db) => {
    await experiments(db)
    await runs(db)
    await metrics(db)
    await inputs(db)
    await loggedModels(db)
    await db.schema
      .createTable('artifact_files')
      .addColumn('path', 'text', (column) => column.primaryKey())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('size_bytes', 'bigint', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .execute()
  },
}

async function experiments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('experiments')
    .addColumn('experiment_id', ...numberedKey(db))
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('artifact_location', 'text', (column) => column.notNull())
    .addColumn('lifecycle', 'text', (column) => column.notNull())
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('updated_ms', 'bigint', (column) => column.notNull())
    .execute()
  await pairs(db, 'experiment_tags', 'experiment_id')
}

async function runs(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('runs')
    .addColumn('run_id', 'text', (column) => column.primaryKey())
    .addColumn('experiment_id', 'bigint', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('start_ms', 'bigint', (column) => column.notNull())
    .addColumn('end_ms', 'bigint')
    .addColumn('artifact_uri', 'text', (column) => column.notNull())
    .addColumn('lifecycle', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('runs_of_experiment')
    .on('runs')
    .columns(['experiment_id', 'lifecycle', 'start_ms'])
    .execute()
  await pairs(db, 'run_params', 'run_id')
  await pairs(db, 'run_tags', 'run_id')
}

async function metrics(db: Kysely<unknown>): Promise<void> {
  // A series holds its newest point, so that a search never reads the history.
  await db.schema
    .createTable('metric_series')
    .addColumn('series_id', ...numberedKey(db))
    .addColumn('run_id', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('step', 'bigint', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('value', 'double precision', (column) => column.notNull())
    .addColumn('is_nan', 'integer', (column) => column.notNull())
    .addUniqueConstraint('metric_series_of_run', ['run_id', 'key'])
    .execute()
  await db.schema
    .createTable('metric_points')
    .addColumn('series_id', 'bigint', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('step', 'bigint', (column) => column.notNull())
    .addColumn('value', 'double precision', (column) => column.notNull())
    .addColumn('is_nan', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('metric_points_key', ['series_id', 'at_ms', 'step', 'value', 'is_nan'])
    .modifyEnd(clustered(db))
    .execute()
}

async function inputs(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('datasets')
    .addColumn('dataset_id', ...numberedKey(db))
    .addColumn('experiment_id', 'bigint', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('source_type', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('schema', 'text')
    .addColumn('profile', 'text')
    .addUniqueConstraint('datasets_name', ['experiment_id', 'name', 'digest'])
    .execute()
  await db.schema
    .createTable('run_datasets')
    .addColumn('run_id', 'text', (column) => column.notNull())
    .addColumn('dataset_id', 'bigint', (column) => column.notNull())
    .addColumn('ordinal', 'bigint', (column) => column.notNull())
    .addColumn('context', 'text')
    .addColumn('tags', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('run_datasets_key', ['run_id', 'dataset_id'])
    .modifyEnd(clustered(db))
    .execute()
  await db.schema
    .createTable('run_models')
    .addColumn('run_id', 'text', (column) => column.notNull())
    .addColumn('direction', 'text', (column) => column.notNull())
    .addColumn('model_id', 'text', (column) => column.notNull())
    .addColumn('step', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('run_models_key', ['run_id', 'direction', 'model_id'])
    .modifyEnd(clustered(db))
    .execute()
}

async function loggedModels(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('logged_models')
    .addColumn('model_id', 'text', (column) => column.primaryKey())
    .addColumn('experiment_id', 'bigint', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('artifact_uri', 'text', (column) => column.notNull())
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('updated_ms', 'bigint', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('model_type', 'text', (column) => column.notNull())
    .addColumn('source_run_id', 'text')
    .addColumn('lifecycle', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('logged_models_of_experiment')
    .on('logged_models')
    .columns(['experiment_id', 'created_ms'])
    .execute()
  await pairs(db, 'logged_model_params', 'model_id')
  await pairs(db, 'logged_model_tags', 'model_id')
  await db.schema
    .createTable('logged_model_metrics')
    .addColumn('model_id', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('step', 'bigint', (column) => column.notNull())
    .addColumn('run_id', 'text', (column) => column.notNull())
    .addColumn('value', 'double precision', (column) => column.notNull())
    .addColumn('is_nan', 'integer', (column) => column.notNull())
    .addColumn('dataset_name', 'text')
    .addColumn('dataset_digest', 'text')
    .addPrimaryKeyConstraint('logged_model_metrics_key', [
      'model_id',
      'key',
      'at_ms',
      'step',
      'run_id',
    ])
    .modifyEnd(clustered(db))
    .execute()
}

/** A table of keys and values of an owner, and the index that finds owners by a value. */
async function pairs(db: Kysely<unknown>, table: string, owner: string): Promise<void> {
  await db.schema
    .createTable(table)
    .addColumn(owner, owner === 'experiment_id' ? 'bigint' : 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint(`${table}_key`, [owner, 'key'])
    .modifyEnd(clustered(db))
    .execute()
}
