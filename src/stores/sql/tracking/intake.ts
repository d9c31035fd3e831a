import { sql, type Kysely } from 'kysely'
import type { IntakeReads, IntakeWrites, LoggedCounts } from '#tracking'
import { chunksOf } from '../chunks.ts'
import { countsOf } from './metric-points.ts'
import { insertModelMetrics } from './metrics.ts'
import type { TrackingTables } from './tables.ts'

type Db = Kysely<TrackingTables>

export function intakeReads(db: Db): IntakeReads {
  return {
    marks: async (source, kind, ids) => {
      const found = []
      for (const chunk of chunksOf(ids))
        found.push(
          ...(await db
            .selectFrom('import_marks')
            .selectAll()
            .where('source', '=', source)
            .where('kind', '=', kind)
            .where('id', 'in', chunk)
            .execute()),
        )
      return found.map((row) => ({ kind, id: row.id, ownId: row.own_id, digest: row.digest }))
    },
    loggedCounts: async (runIds) => {
      const found: LoggedCounts[] = []
      for (const chunk of chunksOf(runIds)) found.push(...(await loggedCounts(db, chunk)))
      return found
    },
    isEmptyExperiment: async (experimentId) => {
      for (const table of ['runs', 'logged_models'] as const) {
        const row = await db
          .selectFrom(table)
          .select('experiment_id')
          .where('experiment_id', '=', Number(experimentId))
          .limit(1)
          .executeTakeFirst()
        if (row !== undefined) return false
      }
      return true
    },
  }
}

export function intakeWrites(db: Db): Omit<IntakeWrites, keyof IntakeReads> {
  return {
    saveMarks: async (source, marks, atMs) => {
      for (const chunk of chunksOf(marks))
        await db
          .insertInto('import_marks')
          .values(
            chunk.map(({ kind, id, ownId, digest }) => ({
              source,
              kind,
              id,
              own_id: ownId,
              digest,
              at_ms: atMs,
            })),
          )
          .onConflict((conflict) =>
            conflict.columns(['source', 'kind', 'id']).doUpdateSet((e) => ({
              own_id: e.ref('excluded.own_id'),
              digest: e.ref('excluded.digest'),
              at_ms: e.ref('excluded.at_ms'),
            })),
          )
          .execute()
    },
    addModelMetrics: async (metrics) => {
      for (const [runId, own] of Map.groupBy(metrics, (metric) => metric.runId))
        for (const chunk of chunksOf(own)) await insertModelMetrics(db, runId, chunk)
    },
  }
}

async function loggedCounts(db: Db, runIds: readonly string[]): Promise<LoggedCounts[]> {
  const { rows } = await sql<{ run_id: string; key: string; series_id: number }>`
    select run_id, key, series_id from metric_series
    where run_id in (${sql.join(runIds)})`.execute(db)
  const points = new Map<number, number>()
  for (const chunk of chunksOf(rows.map((row) => row.series_id)))
    for (const [seriesId, count] of await countsOf(db, chunk)) points.set(seriesId, count)
  const byRun = Map.groupBy(rows, (row) => row.run_id)
  const params = await pairCounts(db, 'run_params', runIds)
  const tags = await pairCounts(db, 'run_tags', runIds)
  const there = await db
    .selectFrom('runs')
    .select('run_id')
    .where('run_id', 'in', [...runIds])
    .execute()
  const known = new Set(there.map((row) => row.run_id))
  return runIds
    .filter((runId) => known.has(runId))
    .map((runId) => ({
      runId,
      points: Object.fromEntries(
        (byRun.get(runId) ?? []).map(({ key, series_id }) => [key, points.get(series_id) ?? 0]),
      ),
      params: params.get(runId) ?? 0,
      tags: tags.get(runId) ?? 0,
    }))
}

async function pairCounts(
  db: Db,
  table: 'run_params' | 'run_tags',
  runIds: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await sql<{ run_id: string; count: number | string }>`
    select run_id, count(*) as count from ${sql.table(table)}
    where run_id in (${sql.join(runIds)}) group by run_id`.execute(db)
  return new Map(rows.map((row) => [row.run_id, Number(row.count)]))
}
