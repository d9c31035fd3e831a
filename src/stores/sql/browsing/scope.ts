import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'
import { namesIn, type RunQuery, type RunScope } from '#tracking'
import { matches } from '../tracking/run-search.ts'
import type { TrackingTables } from '../tracking/tables.ts'

/** The condition on `runs` that a query states. */
export function inQuery({ scope, conditions, lifecycles }: RunQuery): RawBuilder<SqlBool> {
  const all = [
    inScope(scope),
    sql<SqlBool>`runs.lifecycle in (${sql.join(lifecycles)})`,
    ...conditions.map(matches),
  ]
  return sql<SqlBool>`${sql.join(all, sql` and `)}`
}

function inScope(scope: RunScope): RawBuilder<SqlBool> {
  if (scope.of === 'experiments')
    return scope.experimentIds.length === 0
      ? sql`1 = 0`
      : sql`runs.experiment_id in (${sql.join(scope.experimentIds.map(Number))})`
  const names = namesIn(scope.folder)
  if (names === undefined) return sql`1 = 1`
  return sql`runs.experiment_id in (select experiment_id from experiments
    where name >= ${names.from} and name < ${names.until})`
}

/** The experiments that a scope means, for searches that go through them one by one. */
export async function experimentIdsIn(
  db: Kysely<TrackingTables>,
  scope: RunScope,
): Promise<readonly string[]> {
  if (scope.of === 'experiments') return scope.experimentIds
  let query = db.selectFrom('experiments').select('experiment_id')
  const names = namesIn(scope.folder)
  if (names !== undefined)
    query = query.where('name', '>=', names.from).where('name', '<', names.until)
  return (await query.execute()).map((row) => String(row.experiment_id))
}
