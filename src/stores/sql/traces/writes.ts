import { sql, type Kysely } from 'kysely'
import {
  costIn,
  NAME_TAG,
  tokensIn,
  type KeptSpan,
  type TraceInfo,
  type TraceWrites,
} from '#traces'
import { chunksOf } from '../chunks.ts'
import { traceReads } from './reads.ts'
import { assessmentRow, spanRow, traceRow } from './rows.ts'
import type { TraceTables } from './tables.ts'

type Db = Kysely<TraceTables>

/** Rows of one statement: few enough for its parameters. */
const ROWS = 500

export function traceWrites(db: Kysely<unknown>): TraceWrites {
  const tables = db as Db
  return {
    ...traceReads(db),
    ...traceChanges(tables),
    ...spanChanges(tables),
    ...assessmentChanges(tables),
    ...linkChanges(tables),
    ...deletion(tables),
  }
}

function traceChanges(db: Db): Pick<TraceWrites, 'saveTraces' | 'setTraceTag' | 'deleteTraceTag'> {
  return {
    saveTraces: (traces) => saveTraces(db, traces),
    setTraceTag: async (traceId, { key, value }) => {
      await putPairs(db, 'trace_tags', [{ trace_id: traceId, key, value }])
      if (key === NAME_TAG) await rename(db, traceId, value)
    },
    deleteTraceTag: async (traceId, key) => {
      const { numDeletedRows } = await db
        .deleteFrom('trace_tags')
        .where('trace_id', '=', traceId)
        .where('key', '=', key)
        .executeTakeFirstOrThrow()
      if (key === NAME_TAG) await rename(db, traceId, null)
      return numDeletedRows > 0n
    },
  }
}

async function saveTraces(db: Db, traces: readonly TraceInfo[]): Promise<void> {
  for (const chunk of chunksOf(traces, ROWS)) {
    await db
      .insertInto('traces')
      .values(chunk.map(traceRow))
      .onConflict((conflict) =>
        conflict.column('trace_id').doUpdateSet((e) => ({
          experiment_id: e.ref('excluded.experiment_id'),
          at_ms: e.ref('excluded.at_ms'),
          duration_ms: e.ref('excluded.duration_ms'),
          state: e.ref('excluded.state'),
          client_request_id: e.ref('excluded.client_request_id'),
          request_preview: e.ref('excluded.request_preview'),
          response_preview: e.ref('excluded.response_preview'),
          name: e.ref('excluded.name'),
          session_id: e.ref('excluded.session_id'),
          input_tokens: e.ref('excluded.input_tokens'),
          output_tokens: e.ref('excluded.output_tokens'),
          total_tokens: e.ref('excluded.total_tokens'),
          cache_read_input_tokens: e.ref('excluded.cache_read_input_tokens'),
          cache_creation_input_tokens: e.ref('excluded.cache_creation_input_tokens'),
        })),
      )
      .execute()
  }
  await putPairs(
    db,
    'trace_tags',
    pairRows(traces, ({ tags }) => tags),
  )
  await putPairs(
    db,
    'trace_metadata',
    pairRows(traces, ({ metadata }) => metadata),
  )
}

function pairRows(
  traces: readonly TraceInfo[],
  pairs: (trace: TraceInfo) => TraceInfo['tags'],
): TraceTables['trace_tags'][] {
  return traces.flatMap((trace) =>
    pairs(trace).map(({ key, value }) => ({ trace_id: trace.traceId, key, value })),
  )
}

async function putPairs(
  db: Db,
  table: 'trace_tags' | 'trace_metadata',
  rows: readonly TraceTables['trace_tags'][],
): Promise<void> {
  for (const chunk of chunksOf(rows, ROWS))
    await db
      .insertInto(table)
      .values(chunk)
      .onConflict((conflict) =>
        conflict
          .columns(['trace_id', 'key'])
          .doUpdateSet((e) => ({ value: e.ref('excluded.value') })),
      )
      .execute()
}

async function rename(db: Db, traceId: string, name: string | null): Promise<void> {
  await db.updateTable('traces').set({ name }).where('trace_id', '=', traceId).execute()
}

function spanChanges(db: Db): Pick<TraceWrites, 'putSpans' | 'usage' | 'moveTrace'> {
  return {
    putSpans: async (experimentIds, spans) => {
      for (const chunk of chunksOf(spans, ROWS))
        await putSpans(
          db,
          chunk.map((span) => [span, experimentIds.get(span.traceId) ?? '0'] as const),
        )
    },
    usage: async (traceIds) => {
      const found: Awaited<ReturnType<TraceWrites['usage']>> = []
      for (const ids of chunksOf(traceIds)) {
        const rows = await db
          .selectFrom('spans')
          .select(['trace_id', 'span_id', 'parent_id', 'tokens'])
          .select(['input_cost', 'output_cost', 'total_cost'])
          .where('trace_id', 'in', ids)
          .execute()
        for (const { trace_id, span_id, parent_id, tokens, ...cost } of rows)
          found.push({
            traceId: trace_id,
            spanId: span_id,
            parentId: parent_id,
            usage: { tokens: tokensIn(tokens ?? undefined), cost: costIn(JSON.stringify(cost)) },
          })
      }
      return found
    },
    moveTrace: async (traceId, experimentId) => {
      await db
        .updateTable('spans')
        .set({ experiment_id: Number(experimentId) })
        .where('trace_id', '=', traceId)
        .execute()
    },
  }
}

async function putSpans(db: Db, spans: readonly (readonly [KeptSpan, string])[]): Promise<void> {
  await db
    .insertInto('spans')
    .values(spans.map(([span, experimentId]) => spanRow(span, experimentId)))
    .onConflict((conflict) =>
      conflict.columns(['trace_id', 'span_id']).doUpdateSet((e) => ({
        parent_id: e.ref('excluded.parent_id'),
        experiment_id: e.ref('excluded.experiment_id'),
        name: e.ref('excluded.name'),
        type: e.ref('excluded.type'),
        status: e.ref('excluded.status'),
        start_ms: e.ref('excluded.start_ms'),
        start_ns: e.ref('excluded.start_ns'),
        duration_ms: e.ref('excluded.duration_ms'),
        tokens: e.ref('excluded.tokens'),
        input_cost: e.ref('excluded.input_cost'),
        output_cost: e.ref('excluded.output_cost'),
        total_cost: e.ref('excluded.total_cost'),
        model_name: e.ref('excluded.model_name'),
        model_provider: e.ref('excluded.model_provider'),
        content: e.ref('excluded.content'),
      })),
    )
    .execute()
}

function assessmentChanges(
  db: Db,
): Pick<TraceWrites, 'putAssessments' | 'setAssessmentValid' | 'deleteAssessment'> {
  return {
    putAssessments: async (assessments) => {
      // One after the other: there are few, and each may take the place of one that is there.
      for (const row of assessments.map(assessmentRow))
        await db
          .insertInto('assessments')
          .values(row)
          .onConflict((conflict) =>
            conflict.columns(['trace_id', 'assessment_id']).doUpdateSet(row),
          )
          .execute()
    },
    setAssessmentValid: async (traceId, assessmentId, valid) => {
      const { numUpdatedRows } = await db
        .updateTable('assessments')
        .set({ valid: valid ? 1 : 0 })
        .where('trace_id', '=', traceId)
        .where('assessment_id', '=', assessmentId)
        .executeTakeFirstOrThrow()
      return numUpdatedRows > 0n
    },
    deleteAssessment: async (traceId, assessmentId) => {
      await db
        .deleteFrom('assessments')
        .where('trace_id', '=', traceId)
        .where('assessment_id', '=', assessmentId)
        .execute()
    },
  }
}

function linkChanges(db: Db): Pick<TraceWrites, 'linkRun' | 'linkPrompts'> {
  return {
    linkRun: async (runId, traceIds) => {
      for (const ids of chunksOf([...new Set(traceIds)]))
        await db
          .insertInto('trace_runs')
          .values(ids.map((traceId) => ({ trace_id: traceId, run_id: runId })))
          .onConflict((conflict) => conflict.doNothing())
          .execute()
    },
    linkPrompts: async (traceId, prompts) => {
      for (const chunk of chunksOf([...new Set(prompts)]))
        await db
          .insertInto('trace_prompts')
          .values(chunk.map((prompt) => ({ trace_id: traceId, prompt })))
          .onConflict((conflict) => conflict.doNothing())
          .execute()
    },
  }
}

/** Everything that hangs on a trace, and the trace at last. */
const ALL = [
  'trace_tags',
  'trace_metadata',
  'trace_runs',
  'trace_prompts',
  'spans',
  'assessments',
  'traces',
] as const

function deletion(db: Db): Pick<TraceWrites, 'chosenTraces' | 'deleteTraces'> {
  return {
    chosenTraces: async (experimentId, choice, most) => {
      const inExperiment = db
        .selectFrom('traces')
        .select('trace_id')
        .where('experiment_id', '=', Number(experimentId))
        .orderBy('at_ms')
        .orderBy('trace_id')
        .limit(most)
      if ('untilMs' in choice)
        return (await inExperiment.where('at_ms', '<=', choice.untilMs).execute()).map(
          ({ trace_id }) => trace_id,
        )
      const found: string[] = []
      for (const ids of chunksOf(choice.traceIds))
        if (found.length < most)
          for (const { trace_id } of await inExperiment.where('trace_id', 'in', ids).execute())
            found.push(trace_id)
      return found.slice(0, most)
    },
    deleteTraces: async (traceIds) => {
      for (const ids of chunksOf(traceIds))
        for (const table of ALL)
          await sql`delete from ${sql.table(table)} where trace_id in (${sql.join(ids)})`.execute(
            db,
          )
    },
  }
}
