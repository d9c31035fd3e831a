import Database from 'better-sqlite3'
import { sha256 } from '#base/digest'
import { canonicalJson } from '#base/json'
import { randomIds, type Ids } from '#base/ids'
import type { GivenModel, Stage } from '#registry'
import { newestOfEachKey, type DatasetInput } from '#tracking'
import type {
  Point,
  SourceExperiment,
  SourceLoggedModel,
  SourceRun,
} from '../mlflow-store/source.ts'
import { MLFLOW, SCHEMA } from './schema.ts'

/** A new SQLite database as an MLflow server keeps it. */
export interface MlflowDatabase {
  experiments(experiments: readonly SourceExperiment[]): void
  runs(runs: readonly SourceRun[]): void
  points(run: SourceRun, key: string, points: readonly Point[]): void
  loggedModels(models: readonly SourceLoggedModel[]): void
  registeredModel(model: GivenModel): void
  close(): void
}

type Value = string | number | null

const STAGES: Readonly<Record<Stage, string>> = {
  none: 'None',
  staging: 'Staging',
  production: 'Production',
  archived: 'Archived',
}
const MODEL_STATUS = { pending: 1, ready: 2, failed: 3 } as const

export function createMlflowDatabase(
  file: string,
  { nowMs, ids = randomIds }: { nowMs: () => number; ids?: Ids },
): MlflowDatabase {
  const db = new Database(file)
  db.pragma('journal_mode = off')
  db.pragma('synchronous = off')
  // Runs name models that are written later, or are gone.
  db.pragma('foreign_keys = off')
  for (const statement of SCHEMA.split('\n')) if (statement !== '') db.exec(statement)
  const statements = new Map<string, Database.Statement>()
  const insert = (table: string, row: Readonly<Record<string, Value>>) => {
    const columns = Object.keys(row)
    const name = `${table} ${columns.join()}`
    const statement =
      statements.get(name) ??
      db.prepare(
        `insert or ignore into "${table}" (${columns.map((column) => `"${column}"`).join(', ')}) values (${columns.map(() => '?').join(', ')})`,
      )
    statements.set(name, statement)
    statement.run(...Object.values(row))
  }
  insert('alembic_version', { version_num: MLFLOW.revision })
  insert('workspaces', { name: 'default', description: 'Default workspace for legacy resources' })
  const newId = () => ids.hex32()
  const inOne =
    <T>(work: (given: T) => void) =>
    (given: T) =>
      db.transaction(() => work(given))()
  return {
    experiments: inOne((experiments) => {
      for (const experiment of experiments) insertExperiment(insert, experiment)
    }),
    runs: inOne((runs) => {
      for (const run of runs) insertRun({ insert, newId, nowMs }, run)
    }),
    points: (run, key, points) =>
      db.transaction(() => {
        for (const point of points)
          insert('metrics', { key, run_uuid: run.runId, ...pointRow(point) })
        saveNewest(db, { runId: run.runId, key }, points)
      })(),
    loggedModels: inOne((models) => {
      for (const model of models) insertLoggedModel(insert, model)
    }),
    registeredModel: inOne((model) => insertRegistered(insert, model)),
    close: () => {
      db.close()
    },
  }
}

type Insert = (table: string, row: Readonly<Record<string, Value>>) => void

function insertExperiment(insert: Insert, experiment: SourceExperiment): void {
  const experiment_id = Number(experiment.id)
  insert('experiments', {
    experiment_id,
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycle,
    creation_time: experiment.createdMs,
    last_update_time: experiment.updatedMs,
  })
  for (const { key, value } of experiment.tags)
    insert('experiment_tags', { key, value, experiment_id })
}

interface World {
  readonly insert: Insert
  readonly newId: () => string
  readonly nowMs: () => number
}

function insertRun({ insert, newId, nowMs }: World, run: SourceRun): void {
  const { runId: run_uuid } = run
  insert('runs', {
    run_uuid,
    name: run.name,
    source_type: 'UNKNOWN',
    source_name: '',
    entry_point_name: '',
    user_id: run.userId,
    status: run.status.toUpperCase(),
    start_time: run.startMs,
    end_time: run.endMs,
    source_version: '',
    lifecycle_stage: run.lifecycle,
    artifact_uri: run.artifactUri,
    experiment_id: Number(run.experimentId),
    deleted_time: run.lifecycle === 'deleted' ? nowMs() : null,
  })
  for (const { key, value } of run.params) insert('params', { key, value, run_uuid })
  for (const { key, value } of run.tags) insert('tags', { key, value, run_uuid })
  for (const dataset of run.datasets) insertDataset({ insert, newId }, run, dataset)
  for (const id of run.modelInputs)
    insert('inputs', link(newId(), ['RUN_INPUT', run_uuid], ['MODEL_INPUT', id], 0))
  for (const { modelId, step } of run.modelOutputs)
    insert('inputs', link(newId(), ['RUN_OUTPUT', run_uuid], ['MODEL_OUTPUT', modelId], step))
}

function insertDataset(
  { insert, newId }: Pick<World, 'insert' | 'newId'>,
  run: SourceRun,
  dataset: DatasetInput,
): void {
  const input = newId()
  // The same data has one row for all runs of an experiment, so its identifier is made from what it is.
  const uuid = sha256(canonicalJson([run.experimentId, dataset.name, dataset.digest])).slice(0, 32)
  insert('datasets', {
    dataset_uuid: uuid,
    experiment_id: Number(run.experimentId),
    name: dataset.name,
    digest: dataset.digest,
    dataset_source_type: dataset.sourceType,
    dataset_source: dataset.source,
    dataset_schema: dataset.schema,
    dataset_profile: dataset.profile,
  })
  insert('inputs', link(input, ['DATASET', uuid], ['RUN', run.runId], 0))
  for (const { key, value } of dataset.tags)
    insert('input_tags', { input_uuid: input, name: key, value })
}

function link(
  input_uuid: string,
  [source_type, source_id]: readonly [string, string],
  [destination_type, destination_id]: readonly [string, string],
  step: number,
) {
  return { input_uuid, source_type, source_id, destination_type, destination_id, step }
}

function insertLoggedModel(insert: Insert, model: SourceLoggedModel): void {
  const { modelId: model_id } = model
  const experiment_id = Number(model.experimentId)
  insert('logged_models', {
    model_id,
    experiment_id,
    name: model.name,
    artifact_location: model.artifactUri,
    creation_timestamp_ms: model.createdMs,
    last_updated_timestamp_ms: model.updatedMs,
    status: MODEL_STATUS[model.status],
    lifecycle_stage: model.lifecycle,
    model_type: model.modelType,
    source_run_id: model.sourceRunId,
    status_message: null,
  })
  for (const { key, value } of model.params)
    insert('logged_model_params', { model_id, experiment_id, param_key: key, param_value: value })
  for (const { key, value } of model.tags)
    insert('logged_model_tags', { model_id, experiment_id, tag_key: key, tag_value: value })
  for (const { key, value, atMs, step, runId, dataset } of model.metrics)
    insert('logged_model_metrics', {
      model_id,
      metric_name: key,
      metric_timestamp_ms: atMs,
      metric_step: step,
      metric_value: Number.isNaN(value) ? null : value,
      experiment_id,
      run_id: runId,
      dataset_name: dataset?.name ?? null,
      dataset_digest: dataset?.digest ?? null,
    })
}

function insertRegistered(insert: Insert, model: GivenModel): void {
  const { name } = model
  insert('registered_models', {
    name,
    creation_time: model.createdMs,
    last_updated_time: model.updatedMs,
    description: model.note,
  })
  for (const { key, value } of model.tags) insert('registered_model_tags', { key, value, name })
  for (const given of model.versions) {
    const { version } = given
    insert('model_versions', {
      name,
      version,
      creation_time: given.createdMs,
      last_updated_time: given.updatedMs,
      description: given.note,
      user_id: null,
      current_stage: STAGES[given.stage],
      source: given.source,
      run_id: given.runId ?? '',
      status: 'READY',
      status_message: null,
      run_link: given.runLink ?? '',
      storage_location: given.location,
    })
    for (const { key, value } of given.tags)
      insert('model_version_tags', { key, value, name, version })
  }
  for (const { alias, version } of model.aliases)
    insert('registered_model_aliases', { alias, version, name })
}

/** No database compares NaN alike, so MLflow keeps it as 0 with a mark. */
function pointRow({ value, atMs, step }: Point) {
  const isNan = Number.isNaN(value)
  return { value: isNan ? 0 : value, timestamp: atMs, step, is_nan: isNan ? 1 : 0 }
}

/** Keeps the newest of some points of a metric, by step, time and value, unless a newer one is there. */
function saveNewest(
  db: Database.Database,
  { runId, key }: { runId: string; key: string },
  points: readonly Point[],
): void {
  const [newest] = newestOfEachKey(points.map((point) => ({ key, ...point })))
  if (newest === undefined) return
  const { value, timestamp, step, is_nan } = pointRow(newest)
  db.prepare(
    `insert into latest_metrics ("key", value, timestamp, step, is_nan, run_uuid)
    values (?, ?, ?, ?, ?, ?) on conflict ("key", run_uuid) do update set value = excluded.value,
      timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
    where (excluded.step, excluded.timestamp, excluded.value) > (step, timestamp, value)`,
  ).run(key, value, timestamp, step, is_nan, runId)
}
