import { sql, type Kysely } from 'kysely'
import { chunksOf } from '../chunks.ts'
import type { Migration } from '../migrate.ts'

export const retentionTables: Migration = {
  name: '0017-retention',
  up: async (db) => {
    await trash(db)
    await bin(db)
    await sweeps(db)
    await environments(db)
    // A preview asks which rows refer to an object, and a purge which rows hang on a run.
    await index(db, 'artifact_files', ['digest'])
    await index(db, 'model_version_files', ['digest'])
    await index(db, 'segments', ['digest'])
    await index(db, 'model_versions', ['logged_model_id'])
    await index(db, 'logged_models', ['source_run_id'])
    await index(db, 'logged_model_metrics', ['run_id'])
    await index(db, 'run_models', ['model_id'])
  },
}

async function trash(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('trash')
    .addColumn('position', 'bigint', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('experiment_id', 'bigint')
    .addColumn('deleted_ms', 'bigint', (column) => column.notNull())
    .addColumn('deleted_by', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('asked_by', 'text')
    .addColumn('purged_ms', 'bigint')
    .addColumn('purged_by', 'text')
    .addColumn('files', 'bigint', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addColumn('removed', 'text', (column) => column.notNull())
    .addColumn('root', 'text')
    .execute()
  await index(db, 'trash', ['kind', 'id', 'position'])
  await index(db, 'trash', ['state', 'position'])
  await index(db, 'trash', ['experiment_id', 'kind'])
  await db.schema
    .createTable('purged')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('purged_key', ['kind', 'id', 'position'])
    .execute()
  await db.schema
    .createTable('holds')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('target', 'text', (column) => column.notNull())
    // The registered model of a version, so that a hold on one is found by the other.
    .addColumn('model', 'text')
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('placed_by', 'text', (column) => column.notNull())
    .addColumn('placed_ms', 'bigint', (column) => column.notNull())
    .addColumn('until_ms', 'bigint')
    .execute()
  await index(db, 'holds', ['kind', 'target'])
}

/** What the registry keeps aside of deleted models and versions, under the entry that deleted them. */
async function bin(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('binned_models')
    .addColumn('position', 'bigint', (column) => column.primaryKey())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('binned_versions')
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('run_id', 'text')
    .addColumn('logged_model_id', 'text')
    .addColumn('body', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('binned_versions_key', ['position', 'version'])
    .execute()
  await index(db, 'binned_versions', ['run_id'])
  await index(db, 'binned_versions', ['logged_model_id'])
  await index(db, 'binned_versions', ['model'])
  await db.schema
    .createTable('binned_version_files')
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('binned_version_files_key', ['position', 'version', 'path'])
    .execute()
  await index(db, 'binned_version_files', ['digest'])
}

async function sweeps(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('condemned_objects')
    .addColumn('digest', 'text', (column) => column.primaryKey())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('collections')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('started_ms', 'bigint', (column) => column.notNull())
    .addColumn('ended_ms', 'bigint')
    .addColumn('body', 'text', (column) => column.notNull())
    .execute()
  await index(db, 'collections', ['started_ms'])
}

/** The lock of a stage's environment is an object, so its digest gets a column that can be asked. */
async function environments(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('stage_runs').addColumn('environment', 'text').execute()
  const stages = db as Kysely<{
    stage_runs: { pipeline_run: string; stage: string; body: string; environment: string | null }
  }>
  const rows = await stages
    .selectFrom('stage_runs')
    .select(['pipeline_run', 'stage', 'body'])
    .execute()
  for (const chunk of chunksOf(rows))
    for (const { pipeline_run, stage, body } of chunk) {
      const { environment } = JSON.parse(body) as { environment: string | null }
      if (environment !== null)
        await stages
          .updateTable('stage_runs')
          .set({ environment })
          .where('pipeline_run', '=', pipeline_run)
          .where('stage', '=', stage)
          .execute()
    }
  await index(db, 'stage_runs', ['environment'])
}

async function index(db: Kysely<unknown>, table: string, columns: string[]): Promise<void> {
  const name = `${table}_by_${columns.join('_')}`
  await sql`create index ${sql.ref(name)} on ${sql.table(table)} (${sql.join(
    columns.map((column) => sql.ref(column)),
  )})`.execute(db)
}
