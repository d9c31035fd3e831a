import { sql, type Kysely, type RawBuilder, type Selectable, type SqlBool } from 'kysely'
import { invariant } from '#base/invariant'
import { parsePythonJson, pythonJson, type Value } from '#base/python-json'
import type {
  DatasetField,
  EvaluationDataset,
  EvaluationReads,
  EvaluationRecord,
  EvaluationWrites,
  ScorerVersion,
} from '#evaluation'
import type { Condition, Order } from '#tracking'
import { chunksOf } from './chunks.ts'
import { comparison, detail } from './conditions.ts'
import { isAfter, keyColumns, missingLast, orderedBy, placed, type Key } from './keyset.ts'

interface DatasetRow {
  dataset: string
  name: string
  schema: string | null
  profile: string | null
  digest: string
  created_ms: number
  updated_ms: number
  created_by: string | null
  updated_by: string | null
}

interface ScorerRow {
  experiment: string
  name: string
  version: number
  scorer: string
  serialized: string
  created_ms: number
}

export interface EvaluationTables {
  evaluation_datasets: DatasetRow
  evaluation_dataset_tags: { dataset: string; key: string; value: string }
  evaluation_dataset_experiments: { dataset: string; experiment: string; place: number }
  evaluation_records: {
    record: string
    dataset: string
    input_hash: string
    created_ms: number
    body: string
  }
  scorers: ScorerRow
}

type Db = Kysely<EvaluationTables>

export function evaluationReads(db: Db): EvaluationReads {
  return { ...datasetReads(db), ...recordReads(db), ...scorerReads(db) }
}

export function evaluationWrites(db: Db): EvaluationWrites {
  return { ...evaluationReads(db), ...datasetWrites(db), ...recordWrites(db), ...scorerWrites(db) }
}

function datasetReads(db: Db): Pick<EvaluationReads, 'findDataset' | 'searchDatasets'> {
  const rows = () => db.selectFrom('evaluation_datasets').selectAll()
  return {
    findDataset: async (datasetId) => {
      const found = await rows().where('dataset', '=', datasetId).execute()
      return (await withDetails(db, found))[0]
    },
    searchDatasets: async ({ experimentIds, conditions, order, limit, after }) => {
      const keys = keysOf(order)
      let query = rows().select(keyColumns(keys)).where(isAfter(keys, after))
      for (const condition of conditions) query = query.where(matches(condition))
      if (experimentIds.length > 0)
        query = query.where('dataset', 'in', (e) =>
          e
            .selectFrom('evaluation_dataset_experiments')
            .select('dataset')
            .where('experiment', 'in', [...experimentIds]),
        )
      const found = await query
        .orderBy(orderedBy(keys))
        .limit(limit + 1)
        .execute()
      const datasets = await withDetails(db, found)
      return found.map((row, at) => placed(row, keys, datasets[at] as EvaluationDataset))
    },
  }
}

const COLUMNS = {
  name: 'evaluation_datasets.name',
  createdMs: 'evaluation_datasets.created_ms',
  updatedMs: 'evaluation_datasets.updated_ms',
  createdBy: 'evaluation_datasets.created_by',
  updatedBy: 'evaluation_datasets.updated_by',
} as const

function matches({ field, ...asked }: Condition<DatasetField>): RawBuilder<SqlBool> {
  if (field.of === 'attribute')
    return comparison(sql.ref(COLUMNS[field.name]), asked.comparator, asked.value)
  const row = sql`select 1 from evaluation_dataset_tags t
    where t.dataset = evaluation_datasets.dataset and t.key = ${field.key}`
  return detail(row, sql.ref('t.value'), asked)
}

/** As asked, else the newest first; those alike by their id, the greatest first. */
function keysOf(order: readonly Order<DatasetField>[]): Key[] {
  const byAge: Order<DatasetField> = {
    field: { of: 'attribute', name: 'createdMs' },
    descending: true,
  }
  const asked = (order.length === 0 ? [byAge] : order).flatMap(({ field, descending }): Key[] => {
    invariant(field.of === 'attribute', 'datasets are ordered by attributes alone')
    const kind = field.name.endsWith('Ms') ? 'number' : 'text'
    return missingLast({ value: sql.ref(COLUMNS[field.name]), kind, descending })
  })
  return [
    ...asked,
    { value: sql.ref('evaluation_datasets.dataset'), kind: 'text', descending: true },
  ]
}

async function withDetails(
  db: Db,
  rows: readonly Selectable<DatasetRow>[],
): Promise<EvaluationDataset[]> {
  const tags = new Map<string, [string, string][]>()
  const experiments = new Map<string, string[]>()
  for (const ids of chunksOf(rows.map((row) => row.dataset))) {
    const tagged = db.selectFrom('evaluation_dataset_tags').selectAll().where('dataset', 'in', ids)
    for (const { dataset, key, value } of await tagged.orderBy('key').execute())
      tags.set(dataset, [...(tags.get(dataset) ?? []), [key, value]])
    const of = db
      .selectFrom('evaluation_dataset_experiments')
      .selectAll()
      .where('dataset', 'in', ids)
    for (const { dataset, experiment } of await of.orderBy('place').execute())
      experiments.set(dataset, [...(experiments.get(dataset) ?? []), experiment])
  }
  return rows.map((row) => ({
    datasetId: row.dataset,
    name: row.name,
    tags: Object.fromEntries(tags.get(row.dataset) ?? []),
    schema: row.schema,
    profile: row.profile,
    digest: row.digest,
    experimentIds: experiments.get(row.dataset) ?? [],
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
    createdBy: row.created_by,
    updatedBy: row.updated_by,
  }))
}

function datasetWrites(db: Db): Pick<EvaluationWrites, 'saveDataset' | 'deleteDataset'> {
  const dropDetails = async (dataset: string) => {
    await db.deleteFrom('evaluation_dataset_tags').where('dataset', '=', dataset).execute()
    await db.deleteFrom('evaluation_dataset_experiments').where('dataset', '=', dataset).execute()
  }
  return {
    saveDataset: async ({ datasetId: dataset, tags, experimentIds, ...rest }) => {
      const row = {
        name: rest.name,
        schema: rest.schema,
        profile: rest.profile,
        digest: rest.digest,
        created_ms: rest.createdMs,
        updated_ms: rest.updatedMs,
        created_by: rest.createdBy,
        updated_by: rest.updatedBy,
      }
      await db
        .insertInto('evaluation_datasets')
        .values({ dataset, ...row })
        .onConflict((conflict) => conflict.column('dataset').doUpdateSet(row))
        .execute()
      await dropDetails(dataset)
      const tagRows = Object.entries(tags).map(([key, value]) => ({ dataset, key, value }))
      for (const chunk of chunksOf(tagRows))
        await db.insertInto('evaluation_dataset_tags').values(chunk).execute()
      const places = experimentIds.map((experiment, place) => ({ dataset, experiment, place }))
      for (const chunk of chunksOf(places))
        await db.insertInto('evaluation_dataset_experiments').values(chunk).execute()
    },
    deleteDataset: async (dataset) => {
      await dropDetails(dataset)
      await db.deleteFrom('evaluation_records').where('dataset', '=', dataset).execute()
      await db.deleteFrom('evaluation_datasets').where('dataset', '=', dataset).execute()
    },
  }
}

function recordReads(db: Db): Pick<EvaluationReads, 'records' | 'findRecords' | 'countRecords'> {
  const of = (dataset: string) => db.selectFrom('evaluation_records').where('dataset', '=', dataset)
  return {
    records: async ({ datasetId, limit, after }) => {
      let query = of(datasetId).select('body').orderBy('created_ms').orderBy('record').limit(limit)
      if (after !== undefined)
        query = query.where((e) =>
          e.or([
            e('created_ms', '>', after.createdMs),
            e.and([e('created_ms', '=', after.createdMs), e('record', '>', after.recordId)]),
          ]),
        )
      return (await query.execute()).map(recordOf)
    },
    findRecords: async (datasetId, inputHashes) => {
      const found: EvaluationRecord[] = []
      for (const hashes of chunksOf([...new Set(inputHashes)])) {
        const rows = await of(datasetId).select('body').where('input_hash', 'in', hashes).execute()
        found.push(...rows.map(recordOf))
      }
      return found
    },
    countRecords: async (datasetId) => {
      const { count } = await of(datasetId)
        .select((e) => e.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return count
    },
  }
}

function recordWrites(db: Db): Pick<EvaluationWrites, 'saveRecords' | 'deleteRecords'> {
  return {
    saveRecords: async (records) => {
      const rows = records.map((record) => ({
        record: record.recordId,
        dataset: record.datasetId,
        input_hash: record.inputHash,
        created_ms: record.createdMs,
        // The spelling tells 1 from 1.0, which Python's clients do as well.
        body: pythonJson({
          ...record,
          createdMs: BigInt(record.createdMs),
          updatedMs: BigInt(record.updatedMs),
        } as unknown as Value),
      }))
      for (const chunk of chunksOf(rows))
        await db
          .insertInto('evaluation_records')
          .values(chunk)
          .onConflict((conflict) =>
            conflict.column('record').doUpdateSet((e) => ({ body: e.ref('excluded.body') })),
          )
          .execute()
    },
    deleteRecords: async (datasetId, recordIds) => {
      let deleted = 0
      for (const ids of chunksOf([...new Set(recordIds)])) {
        const done = await db
          .deleteFrom('evaluation_records')
          .where('dataset', '=', datasetId)
          .where('record', 'in', ids)
          .executeTakeFirst()
        deleted += Number(done.numDeletedRows)
      }
      return deleted
    },
  }
}

function recordOf({ body }: { body: string }): EvaluationRecord {
  const kept = parsePythonJson(body) as unknown as Omit<
    EvaluationRecord,
    'createdMs' | 'updatedMs'
  > & {
    createdMs: bigint
    updatedMs: bigint
  }
  return { ...kept, createdMs: Number(kept.createdMs), updatedMs: Number(kept.updatedMs) }
}

function scorerReads(db: Db): Pick<EvaluationReads, 'newestScorers' | 'scorerVersions'> {
  return {
    newestScorers: async (experimentIds) => {
      let query = db
        .selectFrom('scorers')
        .selectAll()
        .where('version', '=', (e) =>
          e
            .selectFrom('scorers as later')
            .select((f) => f.fn.max<number>('later.version').as('version'))
            .whereRef('later.experiment', '=', 'scorers.experiment')
            .whereRef('later.name', '=', 'scorers.name'),
        )
        .orderBy('experiment')
        .orderBy('name')
      if (experimentIds !== 'all') {
        if (experimentIds.length === 0) return []
        query = query.where('experiment', 'in', [...experimentIds])
      }
      return (await query.execute()).map(scorerOf)
    },
    scorerVersions: async (experimentId, name) => {
      const rows = await db
        .selectFrom('scorers')
        .selectAll()
        .where('experiment', '=', experimentId)
        .where('name', '=', name)
        .orderBy('version')
        .execute()
      return rows.map(scorerOf)
    },
  }
}

function scorerWrites(db: Db): Pick<EvaluationWrites, 'insertScorer' | 'deleteScorer'> {
  return {
    insertScorer: async ({ experimentId, scorerId, createdMs, ...rest }) => {
      await db
        .insertInto('scorers')
        .values({ ...rest, experiment: experimentId, scorer: scorerId, created_ms: createdMs })
        .execute()
    },
    deleteScorer: async (experimentId, name, version) => {
      let query = db
        .deleteFrom('scorers')
        .where('experiment', '=', experimentId)
        .where('name', '=', name)
      if (version !== undefined) query = query.where('version', '=', version)
      await query.execute()
    },
  }
}

function scorerOf({
  experiment,
  scorer,
  created_ms,
  ...rest
}: Selectable<ScorerRow>): ScorerVersion {
  return { ...rest, experimentId: experiment, scorerId: scorer, createdMs: created_ms }
}
