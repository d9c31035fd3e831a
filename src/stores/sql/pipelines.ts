import type { Kysely } from 'kysely'
import type { PipelineReads, PipelineRun, PipelineWrites, StageRun } from '#pipelines'

export interface PipelineTables {
  pipeline_runs: {
    id: string
    project: string
    cause: string | null
    state: string
    started_ms: number
    body: string
  }
  stage_runs: {
    pipeline_run: string
    stage: string
    run: string | null
    /** The digest of the lock, which is an object. */
    environment: string | null
    body: string
  }
}

export function pipelineReads(db: Kysely<PipelineTables>): PipelineReads {
  const runs = () => db.selectFrom('pipeline_runs').select('body')
  return {
    find: async (id) => {
      const row = await runs().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : runOf(row)
    },
    list: async ({ limit, before, project }) => {
      let query = runs().orderBy('started_ms', 'desc').orderBy('id', 'desc').limit(limit)
      if (project !== undefined) query = query.where('project', '=', project)
      if (before !== undefined)
        query = query.where((e) =>
          e(
            e.refTuple('started_ms', 'id'),
            '<',
            e
              .selectFrom('pipeline_runs as mark')
              .select(['mark.started_ms', 'mark.id'])
              .where('mark.id', '=', before)
              .$asTuple('started_ms', 'id'),
          ),
        )
      return (await query.execute()).map(runOf)
    },
    stages: async (pipelineRun) => {
      const rows = await db
        .selectFrom('stage_runs')
        .select('body')
        .where('pipeline_run', '=', pipelineRun)
        .execute()
      return rows.map(stageOf).toSorted((a, b) => a.startedMs - b.startedMs)
    },
    stageOf: async (run) => {
      const row = await db
        .selectFrom('stage_runs')
        .select('body')
        .where('run', '=', run)
        .executeTakeFirst()
      return row === undefined ? undefined : stageOf(row)
    },
    ofCause: async (cause) =>
      (await runs().where('cause', '=', cause).orderBy('started_ms').orderBy('id').execute()).map(
        runOf,
      ),
  }
}

export function pipelineWrites(db: Kysely<PipelineTables>): PipelineWrites {
  return {
    ...pipelineReads(db),
    save: async (run) => {
      const row = {
        project: run.project,
        cause: run.cause,
        state: run.state,
        started_ms: run.startedMs,
        body: JSON.stringify(run),
      }
      await db
        .insertInto('pipeline_runs')
        .values({ id: run.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
    saveStage: async (stage) => {
      const { run, environment } = stage
      const row = { run, environment, body: JSON.stringify(stage) }
      await db
        .insertInto('stage_runs')
        .values({ pipeline_run: stage.pipelineRun, stage: stage.stage, ...row })
        .onConflict((conflict) => conflict.columns(['pipeline_run', 'stage']).doUpdateSet(row))
        .execute()
    },
  }
}

function runOf(row: { body: string }): PipelineRun {
  return JSON.parse(row.body) as PipelineRun
}

function stageOf(row: { body: string }): StageRun {
  return JSON.parse(row.body) as StageRun
}
