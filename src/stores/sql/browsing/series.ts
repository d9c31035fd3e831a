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
  // Two of each stretch, and the ends; one more than the last would otherwise begin a stretch of its own.
  const stretches = Math.max(1, Math.floor((most - 2) / 2))
  const first = x(places[0] as number)
  const width = (x(places.at(-1) as number) - first + 1) / stretches
  const stretchOf = (place: number) => Math.floor((x(place) - first) / width)
  return {
    total,
    sampled: true,
    points: pointsAt(points, withEnds(places, extremes(points, places, stretchOf))),
  }
}

/** The first and the last place with those between, each once: a line begins and ends where it really does. */
function withEnds(places: Uint32Array, between: readonly number[]): number[] {
  return [...new Set([places[0] as number, ...between, places.at(-1) as number])]
}

/** The places of the least and the greatest number of each stretch; the stretches come one after the other. */
function extremes(
  { value }: MetricColumns,
  places: Uint32Array,
  stretchOf: (place: number) => number,
): number[] {
  const found: number[] = []
  // By their rank along the axis, which need not be the order of their places.
  let [stretch, low, high] = [-1, -1, -1]
  const placeOf = (rank: number) => places[rank] as number
  const at = (rank: number) => value[placeOf(rank)] as number
  const flush = () => {
    if (low >= 0) found.push(placeOf(Math.min(low, high)))
    if (low !== high) found.push(placeOf(Math.max(low, high)))
  }
  for (let rank = 0; rank < places.length; rank++) {
    if (Number.isNaN(at(rank))) continue
    if (stretchOf(placeOf(rank)) !== stretch) {
      flush()
      stretch = stretchOf(placeOf(rank))
      low = rank
      high = rank
    }
    if (at(rank) < at(low)) low = rank
    if (at(rank) > at(high)) high = rank
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
