import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'
import {
  SOURCE_RUN_KEY,
  type MeasuredRow,
  type MeasureFilter,
  type Measurement,
  type TraceCondition,
} from '#traces'
import { comparison } from '../conditions.ts'
import type { TraceTables } from './tables.ts'

/** The rows that a dashboard counts, each with its number, its groups and its time. */
export async function measuredRows(
  db: Kysely<TraceTables>,
  measurement: Measurement,
): Promise<MeasuredRow[]> {
  const { view, metric, dimensions, experimentIds, filters, fromMs, untilMs } = measurement
  if (experimentIds.length === 0) return []
  const value = VALUES[view][metric] ?? sql`null`
  const counted = metric === 'session_count' ? sql.ref('traces.session_id') : sql`null`
  const isCost = metric.endsWith('_cost')
  const time = isCost ? sql.ref('spans.start_ms') : sql.ref('traces.at_ms')
  const groups = dimensions.map((name) => DIMENSIONS[name] ?? sql`null`)
  const conditions = [
    sql`traces.experiment_id in (${sql.join(experimentIds.map(Number))})`,
    ...(fromMs === undefined ? [] : [sql`${time} >= ${fromMs}`]),
    ...(untilMs === undefined ? [] : [sql`${time} <= ${untilMs}`]),
    ...(view === 'ASSESSMENTS' ? [sql`said.valid = 1`] : []),
    ...(metric === 'session_count' ? [sql`traces.session_id is not null`] : []),
    ...(metric.endsWith('_count') ? [] : [sql`${value} is not null`]),
    ...groups.map((group) => sql`${group} is not null`),
    ...filters.map(matches),
  ]
  const { rows } = await sql<Record<string, string | number | null>>`
    select ${BUCKET_TIME[view]} as at_ms, ${value} as value, ${counted} as counted
      ${sql.join(
        groups.map((group, at) => sql`, ${group} as ${sql.ref(`d${at}`)}`),
        sql``,
      )}
    from traces ${JOINS[view]} where ${sql.join(conditions, sql` and `)}`.execute(db)
  return rows.map((row) => ({
    atMs: Number(row['at_ms']),
    value: row['value'] === null || row['value'] === undefined ? null : Number(row['value']),
    of: row['counted'] === null || row['counted'] === undefined ? null : String(row['counted']),
    dimensions: groups.map((_, at) => String(row[`d${at}`])),
  }))
}

const JOINS = {
  TRACES: sql``,
  SPANS: sql`join spans on spans.trace_id = traces.trace_id`,
  ASSESSMENTS: sql`join assessments said on said.trace_id = traces.trace_id`,
} as const

const BUCKET_TIME = {
  TRACES: sql.ref('traces.at_ms'),
  SPANS: sql.ref('spans.start_ms'),
  ASSESSMENTS: sql.ref('traces.at_ms'),
} as const

const VALUES: Readonly<Record<Measurement['view'], Readonly<Record<string, RawBuilder<unknown>>>>> =
  {
    TRACES: {
      latency: sql.ref('traces.duration_ms'),
      input_tokens: sql.ref('traces.input_tokens'),
      output_tokens: sql.ref('traces.output_tokens'),
      total_tokens: sql.ref('traces.total_tokens'),
      cache_read_input_tokens: sql.ref('traces.cache_read_input_tokens'),
      cache_creation_input_tokens: sql.ref('traces.cache_creation_input_tokens'),
    },
    SPANS: {
      latency: sql.ref('spans.duration_ms'),
      input_cost: sql.ref('spans.input_cost'),
      output_cost: sql.ref('spans.output_cost'),
      total_cost: sql.ref('spans.total_cost'),
    },
    ASSESSMENTS: { assessment_value: sql.ref('said.number') },
  }

const DIMENSIONS: Readonly<Record<string, RawBuilder<unknown>>> = {
  trace_name: sql.ref('traces.name'),
  trace_status: sql.ref('traces.state'),
  span_name: sql.ref('spans.name'),
  span_type: sql.ref('spans.type'),
  span_status: sql.ref('spans.status'),
  span_model_name: sql.ref('spans.model_name'),
  span_model_provider: sql.ref('spans.model_provider'),
  assessment_name: sql.ref('said.name'),
  assessment_value: sql.ref('said.value'),
}

function matches(filter: MeasureFilter): RawBuilder<SqlBool> {
  if (filter.on === 'trace') return traceMatches(filter.condition)
  if (filter.on === 'span') return sql`${sql.ref(`spans.${filter.column}`)} = ${filter.value}`
  return sql`${sql.ref(filter.column === 'type' ? 'said.kind' : 'said.name')} = ${filter.value}`
}

function traceMatches({ field, comparator, value }: TraceCondition): RawBuilder<SqlBool> {
  if (field.of === 'tag' || field.of === 'metadata')
    return sql`exists (select 1 from ${sql.table(field.of === 'tag' ? 'trace_tags' : 'trace_metadata')} pair
      where pair.trace_id = traces.trace_id and pair.key = ${field.key} and pair.value = ${value})`
  if (field.of === 'run')
    return sql`(exists (select 1 from trace_metadata pair where pair.trace_id = traces.trace_id
        and pair.key = ${SOURCE_RUN_KEY} and pair.value = ${value})
      or exists (select 1 from trace_runs link
        where link.trace_id = traces.trace_id and link.run_id = ${value}))`
  const column =
    field.of === 'attribute' && field.name === 'name'
      ? 'name'
      : field.of === 'attribute' && field.name === 'session'
        ? 'session_id'
        : 'state'
  return comparison(sql.ref(`traces.${column}`), comparator, value)
}
