import type { BrowsingReads, MetricBin, ValueCount } from './store.ts'
import type { RunColumn, RunQuery } from './scope.ts'

/** What a column holds among the runs that a query means. */
export type Facet =
  | {
      readonly of: 'values'
      readonly values: readonly ValueCount[]
      /** How many different values there are. */
      readonly distinct: number
      readonly missing: number
    }
  | {
      readonly of: 'range'
      readonly min: number | null
      readonly max: number | null
      readonly nan: number
      readonly missing: number
      readonly bins: readonly MetricBin[]
    }

export const FACET_BINS = 20

export async function facetOf(
  read: BrowsingReads,
  query: RunQuery,
  { column, limit, runs }: { column: RunColumn; limit: number; runs: number },
): Promise<Facet> {
  if (column.of === 'metric') return rangeFacet(read, query, { key: column.key, runs })
  const found = await read.valueCounts(query, column, limit)
  const { values, distinct } = found
  return { of: 'values', values, distinct, missing: runs - found.runs }
}

async function rangeFacet(
  read: BrowsingReads,
  query: RunQuery,
  { key, runs }: { key: string; runs: number },
): Promise<Facet> {
  const range = await read.metricRange(query, key)
  if (range === undefined)
    return { of: 'range', min: null, max: null, nan: 0, missing: runs, bins: [] }
  const { min, max, nan } = range
  const missing = runs - range.runs - nan
  if (range.runs === 0) return { of: 'range', min: null, max: null, nan, missing, bins: [] }
  const bins =
    min === max
      ? [{ from: min, to: max, runs: range.runs }]
      : await read.metricBins(query, key, { min, max, bins: FACET_BINS })
  return { of: 'range', min, max, nan, missing, bins }
}
