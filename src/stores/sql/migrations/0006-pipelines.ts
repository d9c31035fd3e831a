import type { Migration } from '../migrate.ts'

export const pipelineTables: Migration = {
  name: '0006-pipelines',
  up: async (db) => {
    await db.schema
      .createTable('pipeline_runs')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('project', 'text', (column) => column.notNull())
      .addColumn('cause', 'text')
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('started_ms', 'bigint', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createIndex('pipeline_runs_by_start')
      .on('pipeline_runs')
      .columns(['started_ms', 'id'])
      .execute()
    await db.schema
      .createIndex('pipeline_runs_by_cause')
      .on('pipeline_runs')
      .columns(['cause'])
      .execute()
    await db.schema
      .createTable('stage_runs')
      .addColumn('pipeline_run', 'text', (column) => column.notNull())
      .addColumn('stage', 'text', (column) => column.notNull())
      .addColumn('run', 'text')
      .addColumn('body', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('stage_runs_key', ['pipeline_run', 'stage'])
      .execute()
    await db.schema.createIndex('stage_runs_by_run').on('stage_runs').columns(['run']).execute()
  },
}
