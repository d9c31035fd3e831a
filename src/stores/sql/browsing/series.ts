import type { Kysely } from 'kysely'
import type { BrowsingReads, SampledSeries, SeriesAsk, SeriesPoint } from '#tracking'
import type { MetricColumns } from '../tracking/metric-block.ts'
import { alongSteps, placesOf, within } from '../tracking/metric-columns.ts'
import { pointsOf } from '../tracking/metric-points.ts'
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
          if (id !== undefined) found.push({ runId, key, ...sampled(await pointsOf(db, id), ask) })
        }
      return found
    },
  }
}

/** All points of the span, or of each stretch of it the least and the greatest. */
function sampled(
  points: MetricColumns,
  { axis, from = -Infinity, to = Infinity, points: most }: SeriesAsk,
): Omit<SampledSeries, 'runId' | 'key'> {
  const along = axis === 'step' ? points.step : points.atMs
  const x = (place: number) => along[place] as number
  const all = axis === 'step' ? alongSteps(points) : placesOf(along)
  const places = within(all, along, { first: from, last: to })
  const total = places.length
  if (total <= most) return { total, sampled: false, points: pointsAt(points, places) }
  // Two of each stretch; one more than the last would otherwise begin a stretch of its own.
  const stretches = Math.max(1, Math.floor(most / 2))
  const first = x(places[0] as number)
  const width = (x(places.at(-1) as number) - first + 1) / stretches
  const stretchOf = (place: number) => Math.floor((x(place) - first) / width)
  return { total, sampled: true, points: pointsAt(points, extremes(points, places, stretchOf)) }
}

/** The places of the least and the greatest number of each stretch; the stretches come one after the other. */
function extremes(
  { value }: MetricColumns,
  places: Uint32Array,
  stretchOf: (place: number) => number,
): number[] {
  const found: number[] = []
  let [stretch, low, high] = [-1, -1, -1]
  const at = (place: number) => value[place] as number
  const flush = () => {
    if (low >= 0) found.push(...(low === high ? [low] : [low, high].toSorted((a, b) => a - b)))
  }
  for (const place of places) {
    if (Number.isNaN(at(place))) continue
    if (stretchOf(place) !== stretch) {
      flush()
      stretch = stretchOf(place)
      low = place
      high = place
    }
    if (at(place) < at(low)) low = place
    if (at(place) > at(high)) high = place
  }
  flush()
  return found
}

function pointsAt(
  { atMs, step, value }: MetricColumns,
  places: Uint32Array | readonly number[],
): SeriesPoint[] {
  return Array.from(places, (place) => ({
    step: step[place] as number,
    atMs: atMs[place] as number,
    value: value[place] as number,
  }))
}
