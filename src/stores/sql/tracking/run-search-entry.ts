import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Condition, RunField, RunSearch } from '#tracking'
import { comparison } from '../conditions.ts'
import type { TrackingTables } from './tables.ts'

/** A way in with at most so many runs is walked whole; that takes some milliseconds. */
export const FEW = 5000
/** As much of a value as its index holds; must be what the migration says. */
const INDEXED = 100

/**
 * The narrowest way into a search: the rows, with a `run_id` each, of the condition that the fewest runs
 * meet, or `scope` when all runs of the experiments are few. Nothing when every way is wide.
 */
export async function narrowEntry(
  db: Kysely<TrackingTables>,
  search: RunSearch,
  few: number,
): Promise<RawBuilder<unknown> | 'scope' | undefined> {
  let fewest = await countOf(db, scopeOf(search), few)
  let narrowest: RawBuilder<unknown> | 'scope' | undefined = fewest <= few ? 'scope' : undefined
  for (const condition of search.conditions) {
    const rows = indexedRows(condition)
    if (rows === undefined) continue
    const count = await countOf(db, rows, few)
    if (count > few || count >= fewest) continue
    fewest = count
    narrowest = rows
  }
  return narrowest
}

function scopeOf({ experimentIds, lifecycles }: RunSearch): RawBuilder<unknown> {
  return sql`select run_id from runs
    where experiment_id in (${sql.join(experimentIds.map(Number))})
    and lifecycle in (${sql.join(lifecycles)})`
}

/** The runs that meet a condition, when an index gives them without looking at others. */
function indexedRows({
  field,
  comparator,
  value,
}: Condition<RunField>): RawBuilder<unknown> | undefined {
  if (field.of === 'metric' && comparator !== '!=')
    return sql`select run_id from metric_series
      where key = ${field.key} and is_nan = 0 and ${comparison(sql.ref('value'), comparator, value)}`
  if ((field.of !== 'param' && field.of !== 'tag') || comparator !== '=') return undefined
  const table = sql.table(field.of === 'param' ? 'run_params' : 'run_tags')
  // The condition itself is asked again of each run, so that the index alone answers here.
  return sql`select run_id from ${table} where key = ${field.key}
    and substr(value, 1, ${sql.lit(INDEXED)}) = ${String(value).slice(0, INDEXED)}`
}

async function countOf(
  db: Kysely<TrackingTables>,
  rows: RawBuilder<unknown>,
  few: number,
): Promise<number> {
  const counted = await sql<{ runs: number }>`
    select count(*) as runs from (${rows} limit ${few + 1}) as few`.execute(db)
  return counted.rows[0]?.runs ?? 0
}
