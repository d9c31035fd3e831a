import { sql, type Kysely, type Selectable, type SqlBool } from 'kysely'
import type {
  DatasetInput,
  KeyValue,
  Metric,
  ModelOutput,
  Run,
  RunRecord,
  TrackingReads,
  TrackingWrites,
} from '#tracking'
import { chunksOf } from '../chunks.ts'
import { metricOf } from './metric-points.ts'
import { runSearch } from './run-search.ts'
import type { TrackingTables } from './tables.ts'

type Db = Kysely<TrackingTables>
type Reads = Pick<TrackingReads, 'findRun' | 'runRecords' | 'searchRuns' | 'params'>
type Writes = Pick<
  TrackingWrites,
  'setRunLifecycles' | 'insertRun' | 'saveRun' | 'insertParams' | 'setRunTags' | 'deleteRunTag'
>

export function runReads(db: Db): Reads {
  return {
    // The one read on the way of every logged metric, so it is written out.
    findRun: async (runId) => {
      const { rows } = await sql<
        Selectable<TrackingTables['runs']>
      >`select * from runs where run_id = ${runId}`.execute(db)
      return rows[0] === undefined ? undefined : runOf(rows[0])
    },
    runRecords: async (runIds) => {
      const records: RunRecord[] = []
      for (const chunk of chunksOf(runIds)) records.push(...(await runRecords(db, chunk)))
      return records
    },
    searchRuns: (search) => runSearch(db, search),
    params: (runId) =>
      db
        .selectFrom('run_params')
        .select(['key', 'value'])
        .where('run_id', '=', runId)
        .orderBy('key')
        .execute(),
  }
}

export function runWrites(db: Db): Writes {
  return {
    setRunLifecycles: async (experimentId, lifecycle) => {
      await db
        .updateTable('runs')
        .set({ lifecycle })
        .where('experiment_id', '=', Number(experimentId))
        .execute()
    },
    insertRun: async (run) => {
      await db.insertInto('runs').values(rowOf(run)).execute()
    },
    saveRun: async (run) => {
      await db.updateTable('runs').set(rowOf(run)).where('run_id', '=', run.runId).execute()
    },
    insertParams: async (runId, params) => {
      if (params.length === 0) return
      await db
        .insertInto('run_params')
        .values(params.map(({ key, value }) => ({ run_id: runId, key, value })))
        .execute()
    },
    setRunTags: async (runId, tags) => {
      if (tags.length === 0) return
      await db
        .insertInto('run_tags')
        .values(tags.map(({ key, value }) => ({ run_id: runId, key, value })))
        .onConflict((conflict) =>
          conflict
            .columns(['run_id', 'key'])
            .doUpdateSet((e) => ({ value: e.ref('excluded.value') })),
        )
        .execute()
    },
    deleteRunTag: async (runId, key) => {
      const { numDeletedRows } = await db
        .deleteFrom('run_tags')
        .where('run_id', '=', runId)
        .where('key', '=', key)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
  }
}

export function among(column: string, ids: readonly string[]) {
  return sql<SqlBool>`${sql.ref(column)} in (${sql.join(ids)})`
}

async function runRecords(db: Db, runIds: readonly string[]): Promise<RunRecord[]> {
  const rows = await db.selectFrom('runs').selectAll().where(among('run_id', runIds)).execute()
  const found = new Map(rows.map((row) => [row.run_id, row]))
  const logged = await loggedTo(db, runIds)
  return runIds.flatMap((runId) => {
    const row = found.get(runId)
    return row === undefined ? [] : [{ ...runOf(row), ...logged(runId) }]
  })
}

/** All that was logged to the runs, a query each kind, however many runs there are. */
async function loggedTo(db: Db, runIds: readonly string[]) {
  const own = among('run_id', runIds)
  const metrics = new Map<string, Metric[]>()
  const series = db.selectFrom('metric_series').selectAll().where(own).orderBy('key')
  for (const row of await series.execute()) push(metrics, row.run_id, metricOf(row))
  const params = await pairsOf(db, 'run_params', runIds)
  const tags = await pairsOf(db, 'run_tags', runIds)
  const datasets = await datasetsOf(db, runIds)
  const inputs = new Map<string, string[]>()
  const outputs = new Map<string, ModelOutput[]>()
  const models = db.selectFrom('run_models').selectAll().where(own)
  for (const { run_id, direction, model_id, step } of await models.execute())
    if (direction === 'input') push(inputs, run_id, model_id)
    else push(outputs, run_id, { modelId: model_id, step })
  return (runId: string) => ({
    metrics: metrics.get(runId) ?? [],
    params: params.get(runId) ?? [],
    tags: tags.get(runId) ?? [],
    datasets: datasets.get(runId) ?? [],
    modelInputs: inputs.get(runId) ?? [],
    modelOutputs: outputs.get(runId) ?? [],
  })
}

async function pairsOf(
  db: Db,
  table: 'run_params' | 'run_tags',
  runIds: readonly string[],
): Promise<Map<string, KeyValue[]>> {
  const found = new Map<string, KeyValue[]>()
  const query = db.selectFrom(table).selectAll().where(among('run_id', runIds)).orderBy('key')
  for (const { run_id, key, value } of await query.execute()) push(found, run_id, { key, value })
  return found
}

async function datasetsOf(db: Db, runIds: readonly string[]): Promise<Map<string, DatasetInput[]>> {
  const found = new Map<string, DatasetInput[]>()
  const query = db
    .selectFrom('run_datasets as used')
    .innerJoin('datasets as data', 'data.dataset_id', 'used.dataset_id')
    .selectAll('data')
    .select(['used.run_id', 'used.tags'])
    .where(among('used.run_id', runIds))
    .orderBy('used.ordinal')
  for (const row of await query.execute())
    push(found, row.run_id, {
      name: row.name,
      digest: row.digest,
      sourceType: row.source_type,
      source: row.source,
      schema: row.schema,
      profile: row.profile,
      tags: JSON.parse(row.tags) as KeyValue[],
    })
  return found
}

export function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

function runOf(row: Selectable<TrackingTables['runs']>): Run {
  return {
    runId: row.run_id,
    experimentId: String(row.experiment_id),
    name: row.name,
    userId: row.user_id,
    status: row.status,
    startMs: row.start_ms,
    endMs: row.end_ms,
    artifactUri: row.artifact_uri,
    lifecycle: row.lifecycle,
  }
}

function rowOf(run: Run): TrackingTables['runs'] {
  return {
    run_id: run.runId,
    experiment_id: Number(run.experimentId),
    name: run.name,
    user_id: run.userId,
    status: run.status,
    start_ms: run.startMs,
    end_ms: run.endMs,
    artifact_uri: run.artifactUri,
    lifecycle: run.lifecycle,
  }
}
