import type { Kysely } from 'kysely'
import type { TraceReads, TraceRecord } from '#traces'
import type { KeyValue } from '#tracking'
import { chunksOf } from '../chunks.ts'
import { measuredRows } from './measure.ts'
import { assessmentOf, traceOf } from './rows.ts'
import { traceSearch } from './search.ts'
import type { TraceTables } from './tables.ts'

type Db = Kysely<TraceTables>

export function traceReads(db: Kysely<unknown>): TraceReads {
  const tables = db as Db
  return {
    traces: async (traceIds) => {
      const found = new Map<string, TraceRecord>()
      for (const ids of chunksOf(traceIds))
        for (const record of await records(tables, ids)) found.set(record.traceId, record)
      return traceIds.flatMap((id) => found.get(id) ?? [])
    },
    contents: async (traceIds) => {
      const found = new Map<string, string[]>()
      for (const ids of chunksOf(traceIds, 100)) {
        const rows = await tables
          .selectFrom('spans')
          .select(['trace_id', 'content', 'parent_id'])
          .where('trace_id', 'in', ids)
          .orderBy('start_ns')
          .orderBy('span_id')
          .execute()
        // The root comes first, whatever the clocks of its helpers said.
        const roots = rows.filter(({ parent_id }) => parent_id === null)
        const others = rows.filter(({ parent_id }) => parent_id !== null)
        for (const { trace_id, content } of [...roots, ...others]) {
          const known = found.get(trace_id)
          if (known === undefined) found.set(trace_id, [content])
          else known.push(content)
        }
      }
      return found
    },
    searchTraces: (search) => traceSearch(tables, search),
    findAssessment: async (traceId, assessmentId) => {
      const row = await tables
        .selectFrom('assessments')
        .selectAll()
        .where('trace_id', '=', traceId)
        .where('assessment_id', '=', assessmentId)
        .executeTakeFirst()
      return row === undefined ? undefined : assessmentOf(row)
    },
    measured: (measurement) => measuredRows(tables, measurement),
    hasTraces: async () =>
      (await tables.selectFrom('traces').select('trace_id').limit(1).executeTakeFirst()) !==
      undefined,
  }
}

async function records(db: Db, ids: readonly string[]): Promise<TraceRecord[]> {
  const rows = await db.selectFrom('traces').selectAll().where('trace_id', 'in', ids).execute()
  if (rows.length === 0) return []
  const known = rows.map((row) => row.trace_id)
  const tags = await pairsOf(db, 'trace_tags', known)
  const metadata = await pairsOf(db, 'trace_metadata', known)
  const assessments = await db
    .selectFrom('assessments')
    .selectAll()
    .where('trace_id', 'in', known)
    .orderBy('created_ms')
    .orderBy('assessment_id')
    .execute()
  const said = Map.groupBy(assessments, ({ trace_id }) => trace_id)
  return rows.map((row) =>
    Object.assign(traceOf(row, tags.get(row.trace_id) ?? [], metadata.get(row.trace_id) ?? []), {
      assessments: (said.get(row.trace_id) ?? []).map(assessmentOf),
    }),
  )
}

async function pairsOf(
  db: Db,
  table: 'trace_tags' | 'trace_metadata',
  ids: readonly string[],
): Promise<Map<string, KeyValue[]>> {
  const found = new Map<string, KeyValue[]>()
  const rows = await db
    .selectFrom(table)
    .select(['trace_id', 'key', 'value'])
    .where('trace_id', 'in', ids)
    .execute()
  for (const { trace_id, key, value } of rows) {
    const known = found.get(trace_id)
    if (known === undefined) found.set(trace_id, [{ key, value }])
    else known.push({ key, value })
  }
  return found
}
