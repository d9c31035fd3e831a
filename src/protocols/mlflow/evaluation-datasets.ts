import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import { parsePythonJson, pythonJson, type Value } from '#base/python-json'
import {
  isFields,
  parseDatasetFilter,
  parseDatasetOrder,
  SOURCE_TYPES,
  type EvaluationDataset,
  type EvaluationRecord,
  type Fields,
  type GivenRecord,
  type RecordSource,
} from '#evaluation'
import type { MlflowApp } from './app.ts'
import { Int, Text } from './messages.ts'
import { pageIn, tokenOf } from './paging.ts'
import type { EvaluationParts } from './scorers.ts'

const path = '/mlflow/datasets'
const one = `${path}/:dataset_id`
const text = Type.Optional(Type.String())
const texts = Type.Optional(Type.Array(Type.String()))
const Id = Type.Object({ dataset_id: Text })
const DATASETS = { byDefault: 1000, most: 50_000 }
const RECORDS = { byDefault: 1000, most: 10_000 }

/** Datasets of `mlflow.genai.datasets`. Tags, records and schemas travel as JSON inside of JSON. */
export function evaluationDatasetRoutes(app: MlflowApp, parts: EvaluationParts): void {
  const { evaluation, actor } = parts
  const { datasets } = evaluation

  app.post(
    `${path}/create`,
    { schema: { body: Type.Object({ name: Text, experiment_ids: texts, tags: text }) } },
    async ({ body }) => {
      const experimentIds = body.experiment_ids ?? []
      const tags = tagsIn(body.tags)
      const dataset = await datasets.create(actor, { name: body.name, tags, experimentIds })
      return { dataset: datasetToWire(dataset, ...experimentIds) }
    },
  )
  searchRoutes(app, parts)
  app.get(one, { schema: { params: Id } }, async ({ params }) => ({
    dataset: datasetToWire(await datasets.get(params.dataset_id)),
  }))
  app.delete(one, { schema: { params: Id } }, async ({ params }) => {
    await datasets.delete(actor, params.dataset_id)
    return {}
  })
  app.patch(
    `${one}/tags`,
    { schema: { params: Id, body: Type.Object({ tags: Text }) } },
    async ({ params, body }) => {
      await datasets.setTags(actor, params.dataset_id, tagsIn(body.tags))
      return {}
    },
  )
  app.delete(
    `${one}/tags/:key`,
    { schema: { params: Type.Object({ dataset_id: Text, key: Text }) } },
    async ({ params }) => {
      await datasets.deleteTag(actor, params.dataset_id, params.key)
      return {}
    },
  )
  app.get(`${one}/experiment-ids`, { schema: { params: Id } }, async ({ params }) => {
    const { experimentIds } = await datasets.get(params.dataset_id)
    return experimentIds.length === 0 ? {} : { experiment_ids: experimentIds }
  })
  const Experiments = Type.Object({ experiment_ids: texts })
  app.post(
    `${one}/add-experiments`,
    { schema: { params: Id, body: Experiments } },
    async ({ params, body }) => ({
      dataset: datasetToWire(
        await datasets.addExperiments(actor, params.dataset_id, body.experiment_ids ?? []),
      ),
    }),
  )
  app.post(
    `${one}/remove-experiments`,
    { schema: { params: Id, body: Experiments } },
    async ({ params, body }) => ({
      dataset: datasetToWire(
        await datasets.removeExperiments(actor, params.dataset_id, body.experiment_ids ?? []),
      ),
    }),
  )
  recordRoutes(app, parts)
}

function searchRoutes(app: MlflowApp, { evaluation: { datasets } }: EvaluationParts): void {
  const Search = Type.Object({
    experiment_ids: texts,
    filter_string: text,
    max_results: Type.Optional(Int),
    order_by: texts,
    page_token: text,
  })
  const found = async (asked: Static<typeof Search>) => {
    const page = await datasets.search({
      ...pageIn(asked, DATASETS),
      experimentIds: asked.experiment_ids ?? [],
      conditions: parseDatasetFilter(asked.filter_string),
      order: parseDatasetOrder(asked.order_by),
    })
    return {
      ...(page.items.length === 0
        ? {}
        : { datasets: page.items.map((each) => datasetToWire(each)) }),
      ...tokenOf(page.next),
    }
  }
  app.post(`${path}/search`, { schema: { body: Search } }, async ({ body }) => found(body))
  app.get(`${path}/search`, { schema: { querystring: Search } }, async ({ query }) => found(query))
}

function recordRoutes(app: MlflowApp, { evaluation: { datasets }, actor }: EvaluationParts): void {
  app.post(
    `${one}/records`,
    { schema: { params: Id, body: Type.Object({ records: Text }) } },
    async ({ params, body }) => {
      const merged = await datasets.merge(actor, params.dataset_id, recordsIn(body.records))
      return { inserted_count: merged.inserted, updated_count: merged.updated }
    },
  )
  const Page = Type.Object({ max_results: Type.Optional(Int), page_token: text })
  app.get(`${one}/records`, { schema: { params: Id, querystring: Page } }, async (request) => {
    const { params, query } = request
    const { limit, after } = pageIn(
      { ...query, ...(query.max_results === 0 ? { max_results: RECORDS.byDefault } : {}) },
      RECORDS,
    )
    const found = await datasets.records({
      datasetId: params.dataset_id,
      limit: limit + 1,
      after:
        after === undefined
          ? undefined
          : { createdMs: Number(after[0]), recordId: String(after[1]) },
    })
    const page = found.slice(0, limit)
    const last = found.length > limit ? page.at(-1) : undefined
    return {
      records: pythonJson(page.map(recordToWire)),
      ...tokenOf(last === undefined ? null : [last.createdMs, last.recordId]),
    }
  })
  app.delete(
    `${one}/records`,
    { schema: { params: Id, body: Type.Object({ dataset_record_ids: texts }) } },
    async ({ params, body }) => ({
      deleted_count: await datasets.deleteRecords(
        actor,
        params.dataset_id,
        body.dataset_record_ids ?? [],
      ),
    }),
  )
}

function datasetToWire(dataset: EvaluationDataset, ...experimentIds: readonly string[]) {
  const { schema, profile, createdBy, updatedBy } = dataset
  return {
    dataset_id: dataset.datasetId,
    name: dataset.name,
    tags: pythonJson(dataset.tags),
    ...(schema === null ? {} : { schema }),
    ...(profile === null ? {} : { profile }),
    digest: dataset.digest,
    created_time: dataset.createdMs,
    last_update_time: dataset.updatedMs,
    ...(createdBy === null ? {} : { created_by: createdBy }),
    ...(updatedBy === null ? {} : { last_updated_by: updatedBy }),
    ...(experimentIds.length === 0 ? {} : { experiment_ids: experimentIds }),
  }
}

function recordToWire(record: EvaluationRecord): Value {
  const { outputs, expectations, source, createdBy, updatedBy } = record
  const sourceId = source?.data[source.type === 'TRACE' ? 'trace_id' : 'source_id']
  return {
    dataset_record_id: record.recordId,
    dataset_id: record.datasetId,
    inputs: record.inputs,
    ...(outputs === null ? {} : { outputs }),
    ...(expectations === null ? {} : { expectations }),
    tags: record.tags,
    ...(source === null
      ? {}
      : {
          source: { source_type: source.type, source_data: source.data },
          source_type: source.type,
        }),
    ...(typeof sourceId === 'string' ? { source_id: sourceId } : {}),
    created_time: BigInt(record.createdMs),
    last_update_time: BigInt(record.updatedMs),
    ...(createdBy === null ? {} : { created_by: createdBy }),
    ...(updatedBy === null ? {} : { last_updated_by: updatedBy }),
  }
}

/** The tags of a JSON object; values that are no texts are their JSON. */
function tagsIn(json: string | undefined): Record<string, string> {
  if (json === undefined || json === '') return {}
  const tags = valueIn(json, 'tags')
  if (!isFields(tags))
    throw new Problem('invalid', `tags must be a JSON object, not ${json.slice(0, 100)}`)
  return Object.fromEntries(
    Object.entries(tags)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, typeof value === 'string' ? value : pythonJson(value)]),
  )
}

function recordsIn(json: string): GivenRecord[] {
  const records = valueIn(json, 'records')
  if (!Array.isArray(records))
    throw new Problem('invalid', `records must be a JSON list, not ${json.slice(0, 100)}`)
  return (records as readonly Value[]).map(recordIn)
}

function recordIn(record: Value, at: number): GivenRecord {
  if (!isFields(record)) throw new Problem('invalid', `records[${at}] must be a JSON object`)
  const fields = (name: string): Fields | undefined => {
    const value = record[name]
    if (value === undefined || value === null) return undefined
    if (isFields(value)) return value
    throw new Problem('invalid', `records[${at}].${name} must be a JSON object`)
  }
  return {
    inputs: fields('inputs') ?? {},
    outputs: record['outputs'],
    expectations: fields('expectations'),
    tags: fields('tags'),
    source: sourceIn(fields('source'), at),
  }
}

function sourceIn(source: Fields | undefined, at: number): RecordSource | undefined {
  if (source === undefined) return undefined
  const given = source['source_type']
  const named = typeof given === 'string' ? given.toUpperCase() : ''
  const type = SOURCE_TYPES.find((each) => each === named)
  if (type === undefined)
    throw new Problem(
      'invalid',
      `records[${at}].source.source_type must be one of ${SOURCE_TYPES.join(', ')}`,
    )
  const data = source['source_data']
  return { type, data: isFields(data) ? data : {} }
}

function valueIn(json: string, name: string): Value {
  // Text columns of PostgreSQL hold no NUL.
  const value = /\\u0000/.test(json) ? undefined : parsePythonJson(json)
  if (value !== undefined) return value
  throw new Problem(
    'invalid',
    `${name} must be JSON without NUL characters; send what the client made`,
  )
}
