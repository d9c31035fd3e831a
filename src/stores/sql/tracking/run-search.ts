import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'
import type { Condition, RunField, RunSearch } from '#tracking'
import { comparison, detail, ordered } from '../conditions.ts'
import type { TrackingTables } from './tables.ts'

/** The runs that a search asks for: their identifiers in order, one more than its limit. */
export function runSearch(
  db: Kysely<TrackingTables>,
  { experimentIds, lifecycles, conditions, order, limit, offset }: RunSearch,
) {
  let query = db
    .selectFrom('runs')
    .select('run_id')
    .where(
      'experiment_id',
      'in',
      experimentIds.map((id) => Number(id)),
    )
    .where('lifecycle', 'in', [...lifecycles])
  for (const condition of conditions) query = query.where(matches(condition))
  for (const { field, descending } of order) {
    if (field.of === 'metric') query = query.orderBy(metricKind(field.key))
    query = query.orderBy(ordered(valueOf(field), descending))
  }
  const byStart = order.some(({ field }) => field.of === 'attribute' && field.name === 'startMs')
  if (!byStart) query = query.orderBy('start_ms', 'desc')
  return query
    .orderBy('run_id')
    .limit(limit + 1)
    .offset(offset)
}

function matches({ field, ...asked }: Condition<RunField>): RawBuilder<SqlBool> {
  if (field.of === 'attribute')
    return comparison(sql.ref(COLUMNS[field.name]), asked.comparator, asked.value)
  if (field.of === 'metric') return metricMatches(field.key, asked)
  if (field.of !== 'dataset') return detail(pairRow(field), sql.ref('pair.value'), asked)
  const used = sql`select 1 from run_datasets used
    join datasets data on data.dataset_id = used.dataset_id where used.run_id = runs.run_id`
  const column = field.name === 'context' ? 'used.context' : `data.${field.name}`
  return detail(used, sql.ref(column), asked)
}

function metricMatches(
  key: string,
  { comparator, value }: Omit<Condition<RunField>, 'field'>,
): RawBuilder<SqlBool> {
  const holds = comparison(sql.ref('m.value'), comparator, value)
  // NaN is unlike every number, and neither below nor above it.
  const matching =
    comparator === '!=' ? sql`(m.is_nan = 1 or ${holds})` : sql`(m.is_nan = 0 and ${holds})`
  return sql`exists (select 1 from metric_series m
    where m.run_id = runs.run_id and m.key = ${key} and ${matching})`
}

/** Numbers come before NaN, and NaN before what is missing. */
function metricKind(key: string): RawBuilder<unknown> {
  return sql`coalesce((select m.is_nan from metric_series m
    where m.run_id = runs.run_id and m.key = ${key}), 2)`
}

function valueOf(field: RunField): RawBuilder<unknown> {
  if (field.of === 'attribute') return sql.ref(COLUMNS[field.name])
  if (field.of === 'dataset') return sql`null`
  const table = field.of === 'metric' ? sql.table('metric_series') : pairTable(field)
  return sql`(select pair.value from ${table} pair
    where pair.run_id = runs.run_id and pair.key = ${field.key})`
}

function pairRow(field: Extract<RunField, { key: string }>): RawBuilder<unknown> {
  return sql`select 1 from ${pairTable(field)} pair
    where pair.run_id = runs.run_id and pair.key = ${field.key}`
}

function pairTable(field: RunField): RawBuilder<unknown> {
  return sql.table(field.of === 'param' ? 'run_params' : 'run_tags')
}

const COLUMNS = {
  runId: 'runs.run_id',
  name: 'runs.name',
  status: 'runs.status',
  artifactUri: 'runs.artifact_uri',
  userId: 'runs.user_id',
  startMs: 'runs.start_ms',
  endMs: 'runs.end_ms',
} as const
