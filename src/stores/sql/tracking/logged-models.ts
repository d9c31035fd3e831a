import { sql, type Kysely, type RawBuilder, type Selectable, type SqlBool } from 'kysely'
import type {
  Condition,
  KeyValue,
  LoggedModel,
  LoggedModelField,
  LoggedModelRecord,
  LoggedModelSearch,
  ModelMetric,
  Order,
  Placed,
  TrackingReads,
  TrackingWrites,
} from '#tracking'
import { comparison, detail } from '../conditions.ts'
import {
  ascending,
  isAfter,
  keyColumns,
  missingLast,
  orderedBy,
  placed,
  type Key,
} from '../keyset.ts'
import { metricOf } from './metric-points.ts'
import { among, push } from './runs.ts'
import type { TrackingTables } from './tables.ts'

type Db = Kysely<TrackingTables>
type Reads = Pick<TrackingReads, 'findLoggedModel' | 'loggedModelRecords' | 'searchLoggedModels'>
type Writes = Pick<
  TrackingWrites,
  | 'insertLoggedModel'
  | 'saveLoggedModel'
  | 'setLoggedModelParams'
  | 'setLoggedModelTags'
  | 'deleteLoggedModelTag'
>
type PairTable = 'logged_model_params' | 'logged_model_tags'

export function loggedModelReads(db: Db): Reads {
  return {
    findLoggedModel: async (modelId) => {
      const row = await db
        .selectFrom('logged_models')
        .selectAll()
        .where('model_id', '=', modelId)
        .executeTakeFirst()
      return row === undefined ? undefined : modelOf(row)
    },
    loggedModelRecords: (modelIds) => loggedModelRecords(db, modelIds),
    searchLoggedModels: (search) => loggedModelSearch(db, search),
  }
}

export function loggedModelWrites(db: Db): Writes {
  const setPairs = async (table: PairTable, modelId: string, pairs: readonly KeyValue[]) => {
    if (pairs.length === 0) return
    await db
      .insertInto(table)
      .values(pairs.map(({ key, value }) => ({ model_id: modelId, key, value })))
      .onConflict((conflict) =>
        conflict
          .columns(['model_id', 'key'])
          .doUpdateSet((e) => ({ value: e.ref('excluded.value') })),
      )
      .execute()
  }
  return {
    insertLoggedModel: async (model) => {
      await db.insertInto('logged_models').values(rowOf(model)).execute()
    },
    saveLoggedModel: async (model) => {
      await db
        .updateTable('logged_models')
        .set(rowOf(model))
        .where('model_id', '=', model.modelId)
        .execute()
    },
    setLoggedModelParams: (modelId, params) => setPairs('logged_model_params', modelId, params),
    setLoggedModelTags: (modelId, tags) => setPairs('logged_model_tags', modelId, tags),
    deleteLoggedModelTag: async (modelId, key) => {
      const { numDeletedRows } = await db
        .deleteFrom('logged_model_tags')
        .where('model_id', '=', modelId)
        .where('key', '=', key)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
  }
}

async function loggedModelSearch(
  db: Db,
  { experimentIds, conditions, datasets, order, limit, after }: LoggedModelSearch,
): Promise<Placed<string>[]> {
  if (experimentIds.length === 0) return []
  const keys = keysOf(order)
  let query = db
    .selectFrom('logged_models')
    .select('model_id')
    .select(keyColumns(keys))
    .where(isAfter(keys, after))
    .where('lifecycle', '=', 'active')
    .where(
      'experiment_id',
      'in',
      experimentIds.map((id) => Number(id)),
    )
  for (const condition of conditions) query = query.where(matches(condition))
  if (datasets.length > 0)
    query = query.where(
      sql<SqlBool>`exists (select 1 from logged_model_metrics m
        where m.model_id = logged_models.model_id and ${onDatasets(datasets)})`,
    )
  const rows = await query
    .orderBy(orderedBy(keys))
    .limit(limit + 1)
    .execute()
  return rows.map((row) => placed(row, keys, row.model_id))
}

/** As asked; then the newest first, and those of one moment by their identifiers. */
function keysOf(order: readonly Order<LoggedModelField>[]): Key[] {
  const asked = order.flatMap(({ field, descending }) => {
    const isNumber =
      field.of === 'metric' ||
      (field.of === 'attribute' && (field.name === 'createdMs' || field.name === 'updatedMs'))
    const kind = isNumber ? 'number' : 'text'
    return missingLast({ value: valueOf(field), kind, descending })
  })
  const created = sql.ref('logged_models.created_ms')
  return [
    ...asked,
    { value: created, kind: 'number', descending: true },
    ascending(sql.ref('logged_models.model_id'), 'text'),
  ]
}

function matches({ field, ...asked }: Condition<LoggedModelField>): RawBuilder<SqlBool> {
  if (field.of === 'attribute') return comparison(valueOf(field), asked.comparator, asked.value)
  if (field.of === 'metric')
    return sql`exists (${metricRows(field)} and m.is_nan = 0
      and ${comparison(sql.ref('m.value'), asked.comparator, asked.value)})`
  const row = sql`select 1 from ${pairTable(field)} pair
    where pair.model_id = logged_models.model_id and pair.key = ${field.key}`
  return detail(row, sql.ref('pair.value'), asked)
}

function metricRows(field: Extract<LoggedModelField, { of: 'metric' }>): RawBuilder<unknown> {
  return sql`select m.value from logged_model_metrics m where m.model_id = logged_models.model_id
    and m.key = ${field.key} and ${onDatasets(field.datasets ?? [])}`
}

function onDatasets(datasets: readonly { name: string; digest?: string }[]): RawBuilder<SqlBool> {
  if (datasets.length === 0) return sql`1 = 1`
  const each = datasets.map(({ name, digest }) =>
    digest === undefined
      ? sql`m.dataset_name = ${name}`
      : sql`(m.dataset_name = ${name} and m.dataset_digest = ${digest})`,
  )
  return sql`(${sql.join(each, sql` or `)})`
}

function valueOf(field: LoggedModelField): RawBuilder<unknown> {
  if (field.of === 'attribute') return sql.ref(`logged_models.${COLUMNS[field.name]}`)
  if (field.of === 'metric')
    return sql`(${metricRows(field)} and m.is_nan = 0 order by m.at_ms desc, m.step desc limit 1)`
  return sql`(select pair.value from ${pairTable(field)} pair
    where pair.model_id = logged_models.model_id and pair.key = ${field.key})`
}

function pairTable(field: LoggedModelField): RawBuilder<unknown> {
  return sql.table(field.of === 'param' ? 'logged_model_params' : 'logged_model_tags')
}

const COLUMNS = {
  name: 'name',
  modelId: 'model_id',
  modelType: 'model_type',
  status: 'status',
  sourceRunId: 'source_run_id',
  createdMs: 'created_ms',
  updatedMs: 'updated_ms',
} as const

async function loggedModelRecords(
  db: Db,
  modelIds: readonly string[],
): Promise<LoggedModelRecord[]> {
  if (modelIds.length === 0) return []
  const own = among('model_id', modelIds)
  const rows = await db.selectFrom('logged_models').selectAll().where(own).execute()
  const found = new Map(rows.map((row) => [row.model_id, row]))
  const params = await pairsOf(db, 'logged_model_params', modelIds)
  const tags = await pairsOf(db, 'logged_model_tags', modelIds)
  const metrics = new Map<string, ModelMetric[]>()
  for (const row of await db.selectFrom('logged_model_metrics').selectAll().where(own).execute())
    push(metrics, row.model_id, modelMetricOf(row))
  return modelIds.flatMap((modelId) => {
    const row = found.get(modelId)
    if (row === undefined) return []
    return [
      {
        ...modelOf(row),
        params: params.get(modelId) ?? [],
        tags: tags.get(modelId) ?? [],
        metrics: metrics.get(modelId) ?? [],
      },
    ]
  })
}

async function pairsOf(
  db: Db,
  table: PairTable,
  modelIds: readonly string[],
): Promise<Map<string, KeyValue[]>> {
  const found = new Map<string, KeyValue[]>()
  const query = db.selectFrom(table).selectAll().where(among('model_id', modelIds)).orderBy('key')
  for (const { model_id, key, value } of await query.execute())
    push(found, model_id, { key, value })
  return found
}

function modelMetricOf(row: TrackingTables['logged_model_metrics']): ModelMetric {
  return {
    ...metricOf(row),
    runId: row.run_id,
    modelId: row.model_id,
    ...(row.dataset_name === null
      ? {}
      : { dataset: { name: row.dataset_name, digest: row.dataset_digest ?? '' } }),
  }
}

function modelOf(row: Selectable<TrackingTables['logged_models']>): LoggedModel {
  return {
    modelId: row.model_id,
    experimentId: String(row.experiment_id),
    name: row.name,
    artifactUri: row.artifact_uri,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
    status: row.status,
    modelType: row.model_type,
    sourceRunId: row.source_run_id,
    lifecycle: row.lifecycle,
  }
}

function rowOf(model: LoggedModel): TrackingTables['logged_models'] {
  return {
    model_id: model.modelId,
    experiment_id: Number(model.experimentId),
    name: model.name,
    artifact_uri: model.artifactUri,
    created_ms: model.createdMs,
    updated_ms: model.updatedMs,
    status: model.status,
    model_type: model.modelType,
    source_run_id: model.sourceRunId,
    lifecycle: model.lifecycle,
  }
}
