import { sql, type Kysely } from 'kysely'
import { PARENT_TAG, type BrowsingReads, type Lifecycle, type Place, type Placed } from '#tracking'
import { chunksOf } from '../chunks.ts'
import { ascending, isAfter, placed, type Key } from '../keyset.ts'
import { push } from '../tracking/runs.ts'
import type { TrackingTables } from '../tracking/tables.ts'

type Db = Kysely<TrackingTables>

/** So much of a tag's value stands in its index; identifiers are shorter. */
const INDEXED = sql.lit(100)
const KEYS: readonly Key[] = [
  ascending(sql.ref('start_ms'), 'number'),
  ascending(sql.ref('run_id'), 'text'),
]

export function treeReads(db: Db): Pick<BrowsingReads, 'parentsOf' | 'childrenOf' | 'childCounts'> {
  return {
    parentsOf: (runIds) => parentsOf(db, runIds),
    childCounts: (runIds, lifecycles) => childCounts(db, runIds, lifecycles),
    childrenOf: async (runIds, page) => {
      const found = new Map<string, Placed<string>[]>()
      for (const chunk of chunksOf(runIds)) await addChildren(db, found, chunk, page)
      return found
    },
  }
}

export async function parentsOf(db: Db, runIds: readonly string[]): Promise<Map<string, string>> {
  if (runIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('run_tags')
    .select(['run_id', 'value'])
    .where('run_id', 'in', [...runIds])
    .where('key', '=', PARENT_TAG)
    .execute()
  return new Map(rows.map(({ run_id, value }) => [run_id, value]))
}

export async function childCounts(
  db: Db,
  runIds: readonly string[],
  lifecycles: readonly Lifecycle[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const chunk of chunksOf(runIds)) {
    const { rows } = await sql<{ parent: string; children: number }>`
      select substr(tag.value, 1, ${INDEXED}) as parent, count(*) as children
      from run_tags tag join runs on runs.run_id = tag.run_id
      where ${isChildOf(chunk)} and runs.lifecycle in (${sql.join(lifecycles)})
      group by substr(tag.value, 1, ${INDEXED})`.execute(db)
    for (const { parent, children } of rows) counts.set(parent, children)
  }
  return counts
}

async function addChildren(
  db: Db,
  found: Map<string, Placed<string>[]>,
  parents: readonly string[],
  {
    limit,
    lifecycles,
    after,
  }: { limit: number; lifecycles: readonly Lifecycle[]; after?: Place | undefined },
): Promise<void> {
  const { rows } = await sql<{ parent: string; run_id: string; k0: number; k1: string }>`
    select parent, run_id, start_ms as k0, run_id as k1 from (
      select parent, run_id, start_ms,
        row_number() over (partition by parent order by start_ms, run_id) as nth
      from (
        select substr(tag.value, 1, ${INDEXED}) as parent, runs.run_id, runs.start_ms
        from run_tags tag join runs on runs.run_id = tag.run_id
        where ${isChildOf(parents)} and runs.lifecycle in (${sql.join(lifecycles)})
      ) child where ${isAfter(KEYS, after)}
    ) numbered where nth <= ${limit + 1} order by parent, nth`.execute(db)
  for (const row of rows) push(found, row.parent, placed(row, KEYS, row.run_id))
}

function isChildOf(parents: readonly string[]) {
  return sql`tag.key = ${sql.lit(PARENT_TAG)}
    and substr(tag.value, 1, ${INDEXED}) in (${sql.join(parents)})`
}
