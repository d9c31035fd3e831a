import { sql, type Kysely } from 'kysely'
import {
  newestOfEachKey,
  sampledRanks,
  type Metric,
  type MetricSample,
  type TrackingReads,
  type TrackingWrites,
} from '#tracking'
import { chunksOf } from '../chunks.ts'
import { ascending, isAfter, keyColumns, orderedBy, placed } from '../keyset.ts'
import type { TrackingTables } from './tables.ts'

type Db = Kysely<TrackingTables>
type PointRow = Pick<TrackingTables['metric_points'], 'at_ms' | 'step' | 'value' | 'is_nan'>

/** No two points of a series are alike in all of these. */
const HISTORY = ['at_ms', 'step', 'value', 'is_nan'].map((column) =>
  ascending(sql.ref(`point.${column}`), 'number'),
)

export function metricReads(
  db: Db,
): Pick<TrackingReads, 'newestMetrics' | 'metricHistory' | 'sampleMetric'> {
  return {
    newestMetrics: async (runId) => {
      const rows = await db
        .selectFrom('metric_series')
        .selectAll()
        .where('run_id', '=', runId)
        .orderBy('key')
        .execute()
      return rows.map(metricOf)
    },
    metricHistory: async (runId, { key, limit, after }) => {
      const rows = await db
        .selectFrom('metric_points as point')
        .innerJoin('metric_series as series', 'series.series_id', 'point.series_id')
        .select(['point.at_ms', 'point.step', 'point.value', 'point.is_nan'])
        .select(keyColumns(HISTORY))
        .where('series.run_id', '=', runId)
        .where('series.key', '=', key)
        .where(isAfter(HISTORY, after))
        .orderBy(orderedBy(HISTORY))
        .limit(limit + 1)
        .execute()
      return rows.map((row) => placed(row, HISTORY, metricOf({ ...row, key })))
    },
    sampleMetric: (runId, sample) => sampled(db, runId, sample),
  }
}

async function sampled(
  db: Db,
  runId: string,
  { key, most, steps }: MetricSample,
): Promise<Metric[]> {
  const within =
    steps === undefined ? sql`` : sql`and p.step between ${steps.first} and ${steps.last}`
  const points = sql`metric_points p join metric_series s on s.series_id = p.series_id
    where s.run_id = ${runId} and s.key = ${key} ${within}`
  const counted = await sql<{ total: number | string }>`
    select count(*) as total from ${points}`.execute(db)
  const ranks = sampledRanks(Number(counted.rows[0]?.total ?? 0), most)
  if (ranks.length === 0) return []
  const { rows } = await sql<PointRow>`
    select at_ms, step, value, is_nan from (
      select p.at_ms, p.step, p.value, p.is_nan,
        row_number() over (order by p.step, p.at_ms, p.value, p.is_nan) as nth from ${points}
    ) ranked where nth in (${sql.join(ranks.map((rank) => rank + 1))})
    order by nth`.execute(db)
  return rows.map((row) => metricOf({ ...row, key }))
}

export function metricWrites(db: Db): Pick<TrackingWrites, 'appendMetrics'> {
  return {
    appendMetrics: async (run, metrics) => {
      const series = new Map<string, number>()
      for (const newest of newestOfEachKey(metrics))
        series.set(newest.key, await seriesOf(db, run.runId, newest))
      for (const chunk of chunksOf(metrics)) await insertPoints(db, series, chunk)
      const ofModels = metrics.filter((metric) => metric.modelId !== undefined)
      for (const chunk of chunksOf(ofModels)) await insertModelMetrics(db, run.runId, chunk)
    },
  }
}

export function metricOf(row: {
  key: string
  value: number
  is_nan: number
  step: number
  at_ms: number
}): Metric {
  return {
    key: row.key,
    value: row.is_nan === 1 ? Number.NaN : row.value,
    step: row.step,
    atMs: row.at_ms,
  }
}

/** The series of a metric, made if need be, after it has taken in a point that may be its newest. */
async function seriesOf(db: Db, runId: string, metric: Metric): Promise<number> {
  const newer = sql`(excluded.step, excluded.at_ms, excluded.value)
    > (metric_series.step, metric_series.at_ms, metric_series.value)`
  const pick = (column: string) =>
    sql`${sql.ref(column)} = case when ${newer}
      then ${sql.ref(`excluded.${column}`)} else ${sql.ref(`metric_series.${column}`)} end`
  const { rows } = await sql<{ series_id: number }>`
    insert into metric_series (run_id, key, step, at_ms, value, is_nan)
    values (${runId}, ${metric.key}, ${metric.step}, ${metric.atMs}, ${valueOf(metric)}, ${nanOf(metric)})
    on conflict (run_id, key) do update set
      ${sql.join([pick('step'), pick('at_ms'), pick('value'), pick('is_nan')])}
    returning series_id`.execute(db)
  return (rows[0] as { series_id: number }).series_id
}

async function insertPoints(
  db: Db,
  series: ReadonlyMap<string, number>,
  metrics: readonly Metric[],
): Promise<void> {
  const rows = metrics.map(
    (metric) =>
      sql`(${series.get(metric.key)}, ${metric.atMs}, ${metric.step}, ${valueOf(metric)}, ${nanOf(metric)})`,
  )
  await sql`insert into metric_points (series_id, at_ms, step, value, is_nan)
    values ${sql.join(rows)} on conflict do nothing`.execute(db)
}

/** Measurements of logged models, each by its own `modelId`. */
export async function insertModelMetrics(db: Db, runId: string, metrics: readonly Metric[]) {
  await db
    .insertInto('logged_model_metrics')
    .values(
      metrics.map((metric) => ({
        model_id: metric.modelId ?? '',
        key: metric.key,
        at_ms: metric.atMs,
        step: metric.step,
        run_id: runId,
        value: valueOf(metric),
        is_nan: nanOf(metric),
        dataset_name: metric.dataset?.name ?? null,
        dataset_digest: metric.dataset?.digest ?? null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** No database compares NaN alike, so it is kept as 0 with a mark. */
function valueOf({ value }: Metric): number {
  return Number.isNaN(value) ? 0 : value
}

function nanOf({ value }: Metric): number {
  return Number.isNaN(value) ? 1 : 0
}
