import type { PeriodSummary, PredictionQueries } from '#serving'
import { HOUR_MS } from './append.ts'
import type { Connection } from './database.ts'
import type { EndpointRow } from './endpoint-row.ts'

interface HourRow {
  readonly hour: number
  readonly predictions: number
  readonly labels: number
  readonly unlogged: number
  readonly replaced: number
}

/** Counts by period, from the counts that are kept for each hour. */
export function summaryReader(
  connection: Connection,
  endpointNamed: (name: string) => EndpointRow | undefined,
): PredictionQueries['summaries'] {
  const select = connection.prepare(
    'select hour, predictions, labels, unlogged, replaced from hours where endpoint = ? and hour >= ? and hour < ? order by hour',
  )
  return async (name, { fromMs, toMs, per }) => {
    const endpoint = endpointNamed(name)
    if (endpoint === undefined) return []
    const from = fromMs === undefined ? Number.MIN_SAFE_INTEGER : Math.floor(fromMs / HOUR_MS)
    const to = toMs === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(toMs / HOUR_MS)
    return periodsOf(select.all(endpoint.id, from, to) as HourRow[], per)
  }
}

function periodsOf(hours: readonly HourRow[], per: 'month' | number): PeriodSummary[] {
  const periods = new Map<number, Omit<HourRow, 'hour'>>()
  for (const { hour, ...counts } of hours) {
    const startMs = periodStart(hour * HOUR_MS, per)
    const sum = periods.get(startMs) ?? { predictions: 0, labels: 0, unlogged: 0, replaced: 0 }
    periods.set(startMs, {
      predictions: sum.predictions + counts.predictions,
      labels: sum.labels + counts.labels,
      unlogged: sum.unlogged + counts.unlogged,
      replaced: sum.replaced + counts.replaced,
    })
  }
  return [...periods].map(([startMs, { predictions, labels, unlogged, replaced }]) => {
    const counts = { startMs, predictions, labels }
    if (unlogged > 0) Object.assign(counts, { unlogged })
    if (replaced > 0) Object.assign(counts, { replaced })
    return counts
  })
}

function periodStart(ms: number, per: 'month' | number): number {
  if (per !== 'month') return Math.floor(ms / per) * per
  const date = new Date(ms)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}
