import { dirname, join } from 'node:path'
import type { GivenModel, Stage } from '#registry'
import type { DatasetInput, KeyValue, LoggedModelStatus, RunStatus } from '#tracking'
import { locate, type Places } from './artifacts.ts'
import { loggedModelOf } from './rest-source.ts'
import { openSqlReader, type Row, type SqlReader } from './sql-reader.ts'
import type { MlflowSource, Point, SourceLoggedModel, SourceRun } from './source.ts'

const PAGE = { runs: 200, points: 20_000, models: 100 } as const
const STAGE_OF_DELETED = 'Deleted_Internal'
const MODEL_STATUS: readonly LoggedModelStatus[] = ['pending', 'ready', 'failed']

/** The database of an MLflow server from 2.0 on, in a SQLite file; nothing is written to it, and it may be in use. */
export function sqlSource(file: string, places: Places): MlflowSource {
  const reader = openSqlReader(file)
  const usual = [...places.usual, join(dirname(file), 'mlartifacts'), join(dirname(file), 'mlruns')]
  const skipped: { what: string; id: string; reason: string }[] = []
  return {
    name: `sqlite:///${file}`,
    skipped,
    experiments: async () => {
      const rows = reader.rows('experiments', {}, 'experiment_id')
      const tags = pairsBy(reader.rows('experiment_tags', {}, 'key'), 'experiment_id')
      return rows.flatMap((row) => {
        const workspace = text(row['workspace'] ?? 'default')
        const id = text(row['experiment_id'])
        if (workspace !== 'default') {
          const reason = `it is in the workspace ${workspace}; only the default one is read`
          skipped.push({ what: 'experiment', id, reason })
          return []
        }
        const createdMs = number(row['creation_time'])
        return {
          id,
          name: text(row['name']),
          artifactLocation: text(row['artifact_location']),
          lifecycle: lifecycle(row),
          createdMs,
          updatedMs: number(row['last_update_time']) || createdMs,
          tags: tags.get(id) ?? [],
        }
      })
    },
    size: async (experimentIds) =>
      reader.count('runs', 'experiment_id', experimentIds) +
      reader.count('logged_models', 'experiment_id', experimentIds),
    runs: async function* (experimentId) {
      for (const page of keyed(reader, ['runs', 'run_uuid'], experimentId, PAGE.runs))
        yield runsOf(reader, page)
    },
    complete: async (runs) => runs,
    history: async function* (run, keys) {
      const wanted = new Set(keys)
      for (let after = 0, more = keys.length > 0; more;) {
        const rows = reader.points(run.runId, after, PAGE.points)
        const byKey = Map.groupBy(rows, (row) => text(row['key']))
        for (const [key, own] of byKey) if (wanted.has(key)) yield { key, points: own.map(pointOf) }
        after = number(rows.at(-1)?.['place'])
        more = rows.length === PAGE.points
      }
    },
    loggedModels: async function* (experimentId) {
      for (const page of keyed(reader, ['logged_models', 'model_id'], experimentId, PAGE.models))
        yield loggedModelsOf(reader, page)
    },
    registeredModels: async function* () {
      for (const row of reader.rows('registered_models', {}, 'name')) {
        if (text(row['workspace'] ?? 'default') === 'default') yield registeredModelOf(reader, row)
      }
    },
    artifacts: (owner, uri) => locate({ ...places, usual }, owner, uri),
    close: () => reader.close(),
  }
}

function* keyed(
  reader: SqlReader,
  [table, key]: readonly ['runs', 'run_uuid'] | readonly ['logged_models', 'model_id'],
  experimentId: string,
  limit: number,
): Iterable<Row[]> {
  for (let after = '', more = true; more;) {
    const page = reader.page(table, { key, after, experimentId, limit })
    if (page.length > 0) yield page
    after = text(page.at(-1)?.[key])
    more = page.length === limit
  }
}

function runsOf(reader: SqlReader, rows: readonly Row[]): SourceRun[] {
  const ids = rows.map((row) => text(row['run_uuid']))
  const own = { run_uuid: ids }
  const params = pairsBy(reader.rows('params', own, 'key'), 'run_uuid')
  const tags = pairsBy(reader.rows('tags', own, 'key'), 'run_uuid')
  const counts = Map.groupBy(reader.pointCounts(ids), (row) => text(row['run_uuid']))
  const inputs = Map.groupBy(reader.rows('inputs', { destination_id: ids }, 'input_uuid'), (row) =>
    text(row['destination_id']),
  )
  const modelInputs = Map.groupBy(
    reader.rows('inputs', { source_id: ids }, 'destination_id'),
    (row) => text(row['source_id']),
  )
  const datasets = datasetsOf(reader, [...inputs.values()].flat())
  return rows.map((row) => {
    const runId = text(row['run_uuid'])
    const points = Object.fromEntries(
      (counts.get(runId) ?? []).map((each) => [text(each['key']), number(each['count'])]),
    )
    const models = modelInputs.get(runId) ?? []
    return {
      runId,
      experimentId: text(row['experiment_id']),
      name: text(row['name']),
      userId: text(row['user_id']),
      status: text(row['status']).toLowerCase() as RunStatus,
      startMs: number(row['start_time']),
      endMs: row['end_time'] === null ? null : number(row['end_time']),
      artifactUri: text(row['artifact_uri']),
      lifecycle: lifecycle(row),
      params: params.get(runId) ?? [],
      tags: tags.get(runId) ?? [],
      datasets: (inputs.get(runId) ?? []).flatMap(
        (used) => datasets.get(text(used['input_uuid'])) ?? [],
      ),
      modelInputs: models
        .filter((each) => each['destination_type'] === 'MODEL_INPUT')
        .map((each) => text(each['destination_id'])),
      modelOutputs: models
        .filter((each) => each['destination_type'] === 'MODEL_OUTPUT')
        .map((each) => ({
          modelId: text(each['destination_id']),
          step: number(each['step'] ?? 0),
        })),
      extent: '',
      points,
      keys: Object.keys(points),
    }
  })
}

/** The datasets by the input that names each. */
function datasetsOf(reader: SqlReader, inputs: readonly Row[]): Map<string, DatasetInput> {
  const used = inputs.filter((each) => each['source_type'] === 'DATASET')
  const ids = [...new Set(used.map((each) => text(each['source_id'])))]
  const data = new Map(
    reader
      .rows('datasets', { dataset_uuid: ids }, 'dataset_uuid')
      .map((row) => [text(row['dataset_uuid']), row]),
  )
  const tags = Map.groupBy(
    reader.rows('input_tags', { input_uuid: used.map((each) => text(each['input_uuid'])) }, 'name'),
    (row) => text(row['input_uuid']),
  )
  return new Map(
    used.flatMap((each) => {
      const row = data.get(text(each['source_id']))
      if (row === undefined) return []
      const id = text(each['input_uuid'])
      const dataset = {
        name: text(row['name']),
        digest: text(row['digest']),
        sourceType: text(row['dataset_source_type']),
        source: text(row['dataset_source']),
        schema: optional(row['dataset_schema']),
        profile: optional(row['dataset_profile']),
        tags: (tags.get(id) ?? []).map((tag) => ({
          key: text(tag['name']),
          value: text(tag['value']),
        })),
      }
      return [[id, dataset] as const]
    }),
  )
}

function loggedModelsOf(reader: SqlReader, rows: readonly Row[]): SourceLoggedModel[] {
  const ids = rows.map((row) => text(row['model_id']))
  const own = { model_id: ids }
  const pairs = (table: 'logged_model_params' | 'logged_model_tags', prefix: string) =>
    pairsBy(
      reader.rows(table, own, `${prefix}_key`).map((row) =>
        Object.assign({}, row, {
          key: row[`${prefix}_key`] ?? '',
          value: row[`${prefix}_value`] ?? '',
        }),
      ),
      'model_id',
    )
  const params = pairs('logged_model_params', 'param')
  const tags = pairs('logged_model_tags', 'tag')
  const metrics = Map.groupBy(reader.rows('logged_model_metrics', own, 'metric_name'), (row) =>
    text(row['model_id']),
  )
  return rows.map((row) => {
    const modelId = text(row['model_id'])
    return {
      modelId,
      experimentId: text(row['experiment_id']),
      name: text(row['name']),
      artifactUri: text(row['artifact_location']),
      createdMs: number(row['creation_timestamp_ms']),
      updatedMs: number(row['last_updated_timestamp_ms']),
      status: MODEL_STATUS[number(row['status']) - 1] ?? 'pending',
      modelType: text(row['model_type']),
      sourceRunId: optional(row['source_run_id']),
      lifecycle: lifecycle(row),
      params: params.get(modelId) ?? [],
      tags: tags.get(modelId) ?? [],
      metrics: (metrics.get(modelId) ?? []).map(modelMetricOf),
    }
  })
}

function registeredModelOf(reader: SqlReader, row: Row): GivenModel {
  const name = text(row['name'])
  const own = { name: [name] }
  const versions = reader.rows('model_versions', own, 'version')
  const tags = Map.groupBy(reader.rows('model_version_tags', own, 'key'), (tag) =>
    number(tag['version']),
  )
  const living = versions.filter((version) => version['current_stage'] !== STAGE_OF_DELETED)
  return {
    name,
    note: text(row['description']),
    createdMs: number(row['creation_time']),
    updatedMs: number(row['last_updated_time']),
    tags: reader.rows('registered_model_tags', own, 'key').map(pairOf),
    aliases: reader
      .rows('registered_model_aliases', own, 'alias')
      .map((each) => ({ alias: text(each['alias']), version: number(each['version']) })),
    lastVersion: Math.max(0, ...versions.map((version) => number(version['version']))),
    versions: living.map((version) => {
      const source = text(version['source'])
      return {
        version: number(version['version']),
        source,
        location: optional(version['storage_location']) ?? source,
        runId: optional(version['run_id']),
        runLink: optional(version['run_link']),
        loggedModelId: loggedModelOf(source) ?? null,
        stage: (text(version['current_stage']) || 'None').toLowerCase() as Stage,
        note: text(version['description']),
        createdMs: number(version['creation_time']),
        updatedMs: number(version['last_updated_time']),
        tags: (tags.get(number(version['version'])) ?? []).map(pairOf),
      }
    }),
  }
}

function pointOf(row: Row): Point {
  return {
    value: row['is_nan'] === 1 ? Number.NaN : Number(row['value']),
    atMs: Number(row['timestamp']),
    step: Number(row['step']),
  }
}

function pairsBy(rows: readonly Row[], owner: string): Map<string, KeyValue[]> {
  const found = new Map<string, KeyValue[]>()
  for (const row of rows) {
    const id = text(row[owner])
    found.set(id, [...(found.get(id) ?? []), pairOf(row)])
  }
  return found
}

function pairOf(row: Row): KeyValue {
  return { key: text(row['key']), value: text(row['value']) }
}

function lifecycle(row: Row): 'active' | 'deleted' {
  return row['lifecycle_stage'] === 'deleted' ? 'deleted' : 'active'
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : ''
}

function optional(value: unknown): string | null {
  return value === null || value === undefined || value === '' ? null : text(value)
}

function number(value: unknown): number {
  return value === null || value === undefined ? 0 : Number(value)
}

function modelMetricOf(each: Row): SourceLoggedModel['metrics'][number] {
  const name = optional(each['dataset_name'])
  return {
    key: text(each['metric_name']),
    value: each['metric_value'] === null ? Number.NaN : Number(each['metric_value']),
    atMs: number(each['metric_timestamp_ms']),
    step: number(each['metric_step']),
    runId: text(each['run_id']),
    ...(name === null ? {} : { dataset: { name, digest: text(each['dataset_digest']) } }),
  }
}
