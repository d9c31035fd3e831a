import { sql, type Kysely, type RawBuilder } from 'kysely'
import { invariant } from '#base/invariant'
import type { BrowsingReads, RunColumn } from '#tracking'
import { PARENT_TAG } from '#tracking'
import type { TrackingTables } from '../tracking/tables.ts'
import { inQuery } from './scope.ts'

type Reads = Pick<BrowsingReads, 'valueCounts' | 'metricRange' | 'metricBins' | 'keyCounts'>

export function facetReads(db: Kysely<TrackingTables>): Reads {
  return {
    valueCounts: async (query, column, limit) => {
      const { value, join } = valueOf(column)
      const { rows } = await sql<{ value: string | number; runs: number }>`
        select ${value} as value, count(*) as runs from runs ${join}
        where ${inQuery(query)} and ${value} is not null
        group by ${value} order by count(*) desc, ${value} limit ${limit}`.execute(db)
      const { rows: totals } = await sql<{ held: number; runs: number }>`
        select count(distinct ${value}) as held, count(${value}) as runs from runs ${join}
        where ${inQuery(query)}`.execute(db)
      const { held = 0, runs = 0 } = totals[0] ?? {}
      const values = rows.map((row) => ({
        value:
          column.of === 'attribute' && column.name === 'experiment_id'
            ? String(row.value)
            : row.value,
        runs: row.runs,
      }))
      return { values, distinct: held, runs }
    },
    metricRange: async (query, key) => {
      const { rows } = await sql<
        Record<'all' | 'nan', number> & Record<'min' | 'max', number | null>
      >`
        select count(*) as "all", sum(m.is_nan) as nan,
          min(case when m.is_nan = 0 then m.value end) as min,
          max(case when m.is_nan = 0 then m.value end) as max
        from runs join metric_series m on m.run_id = runs.run_id and m.key = ${key}
        where ${inQuery(query)}`.execute(db)
      const row = rows[0]
      if (row === undefined || row.all === 0) return undefined
      const { nan } = row
      return { min: row.min ?? 0, max: row.max ?? 0, runs: row.all - nan, nan }
    },
    metricBins: async (query, key, { min, max, bins }) => {
      // Halves of the range before their difference, since the largest numbers have one that no number holds.
      const width = max / bins - min / bins
      const at = sql`floor(m.value / ${width} - ${min / width})`
      const { rows } = await sql<{ bin: number; runs: number }>`
        select bin, count(*) as runs from (
          select case when ${at} < 0 then 0 when ${at} >= ${bins} then ${sql.lit(bins - 1)} else ${at} end as bin
          from runs join metric_series m on m.run_id = runs.run_id and m.key = ${key}
          where ${inQuery(query)} and m.is_nan = 0
        ) binned group by bin order by bin`.execute(db)
      const counts = new Map(rows.map(({ bin, runs }) => [bin, runs]))
      return Array.from({ length: bins }, (_, bin) => ({
        from: min + bin * width,
        to: bin === bins - 1 ? max : min + (bin + 1) * width,
        runs: counts.get(bin) ?? 0,
      }))
    },
    keyCounts: async (query, { of, search, limit }) => {
      const table = { metric: 'metric_series', param: 'run_params', tag: 'run_tags' }[of]
      const named =
        search === ''
          ? sql`1 = 1`
          : sql`replace(lower(own.key), ${search.toLowerCase()}, '') <> lower(own.key)`
      const { rows } = await sql<{ key: string; runs: number }>`
        select own.key, count(*) as runs from runs
        join ${sql.table(table)} own on own.run_id = runs.run_id
        where ${inQuery(query)} and ${named}
        group by own.key order by count(*) desc, own.key limit ${limit + 1}`.execute(db)
      return rows
    },
  }
}

const ATTRIBUTES = {
  run_name: 'runs.name',
  status: 'runs.status',
  user_id: 'runs.user_id',
  start_time: 'runs.start_ms',
  end_time: 'runs.end_ms',
  artifact_uri: 'runs.artifact_uri',
  lifecycle_stage: 'runs.lifecycle',
  experiment_id: 'runs.experiment_id',
} as const

/** The value of a column, and the row that holds it where that is not the run's own. */
function valueOf(column: RunColumn): { value: RawBuilder<unknown>; join: RawBuilder<unknown> } {
  invariant(column.of !== 'metric', 'metrics have ranges')
  if (column.of !== 'attribute') return pair(column.of, column.key)
  if (column.name === 'parent_run_id') return pair('tag', PARENT_TAG)
  if (column.name === 'experiment_name')
    return {
      value: sql.ref('experiment.name'),
      join: sql`join experiments experiment on experiment.experiment_id = runs.experiment_id`,
    }
  invariant(column.name !== 'child_count', 'numbers of children are no facet')
  return { value: sql.ref(ATTRIBUTES[column.name]), join: sql`` }
}

function pair(of: 'param' | 'tag', key: string) {
  const table = sql.table(of === 'param' ? 'run_params' : 'run_tags')
  return {
    value: sql.ref('own.value'),
    join: sql`left join ${table} own on own.run_id = runs.run_id and own.key = ${key}`,
  }
}
