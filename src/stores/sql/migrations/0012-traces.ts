import { sql, type Kysely } from 'kysely'
import { clustered } from '../dialect.ts'
import type { Migration } from '../migrate.ts'

export const traceTables: Migration = {
  name: '0012-traces',
  up: async (db) => {
    await traces(db)
    await spans(db)
    await assessments(db)
    await pairs(db, 'trace_tags', 'key', 'value')
    await pairs(db, 'trace_metadata', 'key', 'value')
    await pairs(db, 'trace_runs', 'run_id')
    await pairs(db, 'trace_prompts', 'prompt')
    await db.schema
      .createIndex('trace_runs_of_run')
      .on('trace_runs')
      .columns(['run_id', 'trace_id'])
      .execute()
  },
}

async function traces(db: Kysely<unknown>): Promise<void> {
  // What searches and dashboards ask of the tags and metadata stands in columns too.
  await db.schema
    .createTable('traces')
    .addColumn('trace_id', 'text', (column) => column.primaryKey())
    .addColumn('experiment_id', 'bigint', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('duration_ms', 'bigint')
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('client_request_id', 'text')
    .addColumn('request_preview', 'text')
    .addColumn('response_preview', 'text')
    .addColumn('name', 'text')
    .addColumn('session_id', 'text')
    .addColumn('input_tokens', 'bigint')
    .addColumn('output_tokens', 'bigint')
    .addColumn('total_tokens', 'bigint')
    .addColumn('cache_read_input_tokens', 'bigint')
    .addColumn('cache_creation_input_tokens', 'bigint')
    .execute()
  await sql`create index traces_of_experiment on traces (experiment_id, at_ms desc, trace_id)`.execute(
    db,
  )
  await sql`create index traces_of_session on traces (session_id) where session_id is not null`.execute(
    db,
  )
}

async function spans(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('spans')
    .addColumn('trace_id', 'text', (column) => column.notNull())
    .addColumn('span_id', 'text', (column) => column.notNull())
    .addColumn('parent_id', 'text')
    .addColumn('experiment_id', 'bigint', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('type', 'text')
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('start_ms', 'bigint', (column) => column.notNull())
    // Twenty digits, because a number of nanoseconds is more than a number can hold exactly.
    .addColumn('start_ns', 'text', (column) => column.notNull())
    .addColumn('duration_ms', 'bigint')
    .addColumn('tokens', 'text')
    .addColumn('input_cost', 'double precision')
    .addColumn('output_cost', 'double precision')
    .addColumn('total_cost', 'double precision')
    .addColumn('model_name', 'text')
    .addColumn('model_provider', 'text')
    .addColumn('content', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('spans_key', ['trace_id', 'span_id'])
    .execute()
}

async function assessments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('assessments')
    .addColumn('trace_id', 'text', (column) => column.notNull())
    .addColumn('assessment_id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('number', 'double precision')
    .addColumn('is_number', 'bigint', (column) => column.notNull())
    .addColumn('error', 'text')
    .addColumn('source_type', 'text', (column) => column.notNull())
    .addColumn('source_id', 'text')
    .addColumn('run_id', 'text')
    .addColumn('span_id', 'text')
    .addColumn('rationale', 'text')
    .addColumn('metadata', 'text', (column) => column.notNull())
    .addColumn('session_scoped', 'bigint', (column) => column.notNull())
    .addColumn('overrides', 'text')
    .addColumn('valid', 'bigint', (column) => column.notNull())
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('updated_ms', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('assessments_key', ['trace_id', 'assessment_id'])
    .execute()
  await db.schema
    .createIndex('assessments_by_name')
    .on('assessments')
    .columns(['name', 'trace_id'])
    .execute()
}

/** What hangs on a trace by a key of its own. */
async function pairs(
  db: Kysely<unknown>,
  table: string,
  key: string,
  value?: string,
): Promise<void> {
  let creating = db.schema
    .createTable(table)
    .addColumn('trace_id', 'text', (column) => column.notNull())
    .addColumn(key, 'text', (column) => column.notNull())
  if (value !== undefined)
    creating = creating.addColumn(value, 'text', (column) => column.notNull())
  await creating
    .addPrimaryKeyConstraint(`${table}_key`, ['trace_id', key])
    .modifyEnd(clustered(db))
    .execute()
}
