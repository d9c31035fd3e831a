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
import { alongSteps, within } from './metric-columns.ts'
import { historyPage, metricOf, OPEN_MAX, packEarliest, pointsOf } from './metric-points.ts'
import type { TrackingTables } from './tables.ts'

type Db = Kysely<TrackingTables>
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
    metricHistory: async (runId, page) => {
      const seriesId = await findSeries(db, runId, page.key)
      return seriesId === undefined ? [] : historyPage(db, seriesId, page)
    },
    sampleMetric: (runId, sample) => sampled(db, runId, sample),
  }
}

async function findSeries(db: Db, runId: string, key: string): Promise<number | undefined> {
  const { rows } = await sql<{ series_id: number }>`
    select series_id from metric_series where run_id = ${runId} and key = ${key}`.execute(db)
  return rows[0]?.series_id
}

async function sampled(
  db: Db,
  runId: string,
  { key, most, steps }: MetricSample,
): Promise<Metric[]> {
  const seriesId = await findSeries(db, runId, key)
  if (seriesId === undefined) return []
  const points = await pointsOf(db, seriesId)
  const all = alongSteps(points)
  const places = steps === undefined ? all : within(all, points.step, steps)
  return sampledRanks(places.length, most).map((rank) => {
    const place = places[rank] as number
    const [atMs, step] = [points.atMs[place] as number, points.step[place] as number]
    return { key, value: points.value[place] as number, step, atMs }
  })
}

export function metricWrites(db: Db): Pick<TrackingWrites, 'appendMetrics'> {
  return {
    appendMetrics: async (run, metrics) => {
      const series = await seriesOf(db, run.runId, metrics)
      for (const chunk of chunksOf(metrics)) await insertPoints(db, series, chunk)
      for (const { id, open } of series.values()) if (open >= OPEN_MAX) await pack(db, id)
      const ofModels = metrics.filter((metric) => metric.modelId !== undefined)
      for (const chunk of chunksOf(ofModels)) await insertModelMetrics(db, run.runId, chunk)
    },
  }
}

/** The series of the metrics by key, made if need be, after they took in what may be their newest points. */
async function seriesOf(
  db: Db,
  runId: string,
  metrics: readonly Metric[],
): Promise<ReadonlyMap<string, Series>> {
  const newer = sql`(excluded.step, excluded.at_ms, excluded.value)
    > (metric_series.step, metric_series.at_ms, metric_series.value)`
  const pick = (column: string) =>
    sql`${sql.ref(column)} = case when ${newer}
      then ${sql.ref(`excluded.${column}`)} else ${sql.ref(`metric_series.${column}`)} end`
  const counts = countsByKey(metrics)
  const series = new Map<string, Series>()
  for (const chunk of chunksOf(newestOfEachKey(metrics))) {
    const newest = chunk.map(
      (metric) =>
        sql`(${runId}, ${metric.key}, ${metric.step}, ${metric.atMs}, ${valueOf(metric)}, ${nanOf(metric)}, ${counts.get(metric.key) ?? 0})`,
    )
    const { rows } = await sql<Series>`
      insert into metric_series (run_id, key, step, at_ms, value, is_nan, open_points)
      values ${sql.join(newest)}
      on conflict (run_id, key) do update set
        ${sql.join([pick('step'), pick('at_ms'), pick('value'), pick('is_nan')])},
        open_points = metric_series.open_points + excluded.open_points
      returning key, series_id as id, open_points as open`.execute(db)
    for (const row of rows) series.set(row.key, row)
  }
  return series
}

interface Series {
  readonly key: string
  readonly id: number
  readonly open: number
}

function countsByKey(metrics: readonly Metric[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { key } of metrics) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

async function pack(db: Db, seriesId: number): Promise<void> {
  const open = await packEarliest(db, seriesId)
  await sql`update metric_series set open_points = ${open}
    where series_id = ${seriesId}`.execute(db)
}

async function insertPoints(
  db: Db,
  series: ReadonlyMap<string, Series>,
  metrics: readonly Metric[],
): Promise<void> {
  const rows = metrics.map(
    (metric) =>
      sql`(${series.get(metric.key)?.id}, ${metric.atMs}, ${metric.step}, ${valueOf(metric)}, ${nanOf(metric)})`,
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
