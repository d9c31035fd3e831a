import { sql, type Kysely } from 'kysely'
import type { BrowsingReads, SampledSeries, SeriesAsk, SeriesPoint } from '#tracking'
import type { TrackingTables } from '../tracking/tables.ts'

type Db = Kysely<TrackingTables>

export function seriesReads(db: Db): Pick<BrowsingReads, 'series'> {
  return {
    series: async (ask) => {
      const { runIds, keys } = ask
      if (runIds.length === 0 || keys.length === 0) return []
      const rows = await db
        .selectFrom('metric_series')
        .select(['series_id', 'run_id', 'key'])
        .where('run_id', 'in', [...runIds])
        .where('key', 'in', [...keys])
        .execute()
      const known = new Map(
        rows.map((row) => [JSON.stringify([row.run_id, row.key]), row.series_id]),
      )
      const found: SampledSeries[] = []
      for (const runId of runIds)
        for (const key of keys) {
          const id = known.get(JSON.stringify([runId, key]))
          if (id !== undefined) found.push({ runId, key, ...(await sampled(db, id, ask)) })
        }
      return found
    },
  }
}

/** All points of the span, or of each stretch of it the least and the greatest. */
async function sampled(
  db: Db,
  seriesId: number,
  { axis, from, to, points }: SeriesAsk,
): Promise<Omit<SampledSeries, 'runId' | 'key'>> {
  const x = sql.ref(axis === 'step' ? 'step' : 'at_ms')
  const inSpan = sql`series_id = ${seriesId}
    ${from === undefined ? sql`` : sql`and ${x} >= ${from}`}
    ${to === undefined ? sql`` : sql`and ${x} <= ${to}`}`
  const { rows: spans } = await sql<{ total: number; first: number | null; last: number | null }>`
    select count(*) as total, min(${x}) as first, max(${x}) as last
    from metric_points where ${inSpan}`.execute(db)
  const { total = 0, first = 0, last = 0 } = spans[0] ?? {}
  if (total <= points) {
    const { rows } = await sql<PointRow>`
      select step, at_ms, value, is_nan from metric_points where ${inSpan}
      order by ${x}, ${sql.ref(axis === 'step' ? 'at_ms' : 'step')}, value`.execute(db)
    return { total, sampled: false, points: rows.map(pointOf) }
  }
  // Two of each stretch; one more than the last would otherwise begin a stretch of its own.
  const stretches = Math.max(1, Math.floor(points / 2))
  const width = ((last ?? 0) - (first ?? 0) + 1) / stretches
  // Written out, since it is grouped by: to PostgreSQL two parameters are two things.
  const stretch = sql`floor((${x} - ${sql.lit(first ?? 0)}) / cast(${sql.lit(width)} as double precision))`
  const { rows } = await sql<PointRow>`
    select min(step) as step, min(at_ms) as at_ms, p.value, 0 as is_nan
    from metric_points p join (
      select ${stretch} as stretch, min(value) as low, max(value) as high
      from metric_points where ${inSpan} and is_nan = 0 group by ${stretch}
    ) extreme on ${stretch} = extreme.stretch and (p.value = extreme.low or p.value = extreme.high)
    where ${inSpan} and p.is_nan = 0
    group by extreme.stretch, p.value
    order by ${axis === 'step' ? sql`min(step), min(at_ms)` : sql`min(at_ms), min(step)`}`.execute(
    db,
  )
  return { total, sampled: true, points: rows.map(pointOf) }
}

interface PointRow {
  readonly step: number
  readonly at_ms: number
  readonly value: number
  readonly is_nan: number
}

function pointOf({ step, at_ms, value, is_nan }: PointRow): SeriesPoint {
  return { step, atMs: at_ms, value: is_nan === 1 ? Number.NaN : value }
}
