import type { Protocol, Route } from './route.ts'
import { LIVE, MODEL, WAITING, type Things } from './world.ts'

/** A request by its fields; a name that ends with `!` is one without which it makes no sense. */
type Fields = Readonly<Record<string, unknown>>

/** What clients before MLflow 3 tell of a model. */
const MODEL_JSON = JSON.stringify({
  artifact_path: 'm',
  flavors: {},
  utc_time_created: '2026-01-01',
  run_id: 'r',
})
const pairs = [{ key: 'k', value: 'v' }]

/** Every route under `/api/2.0/mlflow` and `/api/2.0/mlflow-artifacts`, each with a request that it would take. */
export function mlflowRoutes(things: Things): Route[] {
  return [
    ...experimentRoutes(things),
    ...runRoutes(things),
    ...registryRoutes(things),
    ...loggedModelRoutes(things),
    ...artifactRoutes(things),
    ...webhookRoutes(things),
    ...evaluationRoutes(things),
    ...traceRoutes(things),
    ...oldTraceRoutes(things),
  ]
}

/** What asks for predictions in other languages than our own. */
export function predictionRoutes(): Route[] {
  const rows = {
    'dataframe_split!': {
      columns: ['carrier', 'hour', 'distance', 'id', 'at'],
      data: [['AA', 9, 500, 'a', '2024-01-01T00:00:00Z']],
    },
  }
  const tensors = {
    'inputs!': [
      tensor('carrier', 'BYTES', 'AA'),
      tensor('hour', 'FP32', 9),
      tensor('distance', 'FP32', 500),
      tensor('id', 'INT64', 7),
      tensor('at', 'INT64', 1_704_067_200_000),
    ],
  }
  const model = { model: LIVE }
  return [
    routeOf('scoring', 'POST /endpoints/{endpoint}/invocations', rows, { endpoint: LIVE }),
    ...['ping', 'health', 'version'].map((path) =>
      routeOf('scoring', `GET /endpoints/{endpoint}/${path}`, {}, { endpoint: LIVE }),
    ),
    routeOf('inference', 'POST /v2/models/{model}/infer', tensors, model),
    routeOf('inference', 'GET /v2/models/{model}', {}, model),
    routeOf('inference', 'GET /v2/models/{model}/ready', {}, model),
    routeOf('inference', 'POST /v2/models/{model}/versions/{version}/infer', tensors, {
      model: LIVE,
      version: '1',
    }),
  ]
}

/** Asks what is declared and not deployed, which is told as 503. */
export function waitingRoutes(): Route[] {
  return predictionRoutes().flatMap(({ places, ...route }) => {
    const { endpoint, model } = places
    if (route.method !== 'POST') return []
    const waiting = endpoint === undefined ? { model: WAITING } : { endpoint: WAITING }
    return [
      Object.assign(route, { places: model === undefined ? waiting : { ...places, ...waiting } }),
    ]
  })
}

const at: At = (method, path, fields, places = {}) =>
  routeOf('mlflow', `${method} /api/2.0${path}`, fields, places)

const at3: At = (method, path, fields, places = {}) =>
  routeOf('mlflow', `${method} /api/3.0/mlflow${path}`, fields, places)

const tensor = (name: string, datatype: string, value: unknown) => ({
  name,
  datatype,
  shape: [1, 1],
  data: [value],
})

type Places = Readonly<Record<string, string>>
type At = (method: string, path: string, fields: Fields, places?: Places) => Route

export function routeOf(
  protocol: Protocol,
  address: string,
  fields: Fields,
  places: Places,
): Route {
  const [method = '', path = ''] = address.split(' ')
  const named = Object.entries(fields).map(([key, value]) => [key.replace('!', ''), value] as const)
  const inQuery = method === 'GET'
  return {
    protocol,
    method,
    path,
    places,
    required: Object.keys(fields)
      .filter((key) => key.endsWith('!'))
      .map((key) => key.slice(0, -1)),
    query: inQuery
      ? Object.fromEntries(named.map(([key, value]) => [key, String(value)] as const))
      : {},
    // A request with fields has a body, also when it is one to delete.
    body: inQuery || named.length === 0 ? undefined : Object.fromEntries(named),
  }
}

function experimentRoutes({ experiment }: Things): Route[] {
  const path = '/mlflow/experiments'
  const id = { 'experiment_id!': experiment }
  return [
    at('POST', `${path}/create`, { 'name!': 'new', artifact_location: '/a', tags: pairs }),
    at('GET', `${path}/get`, id),
    at('GET', `${path}/get-by-name`, { 'experiment_name!': 'asked' }),
    at('POST', `${path}/update`, { ...id, 'new_name!': 'other' }),
    at('POST', `${path}/delete`, id),
    at('POST', `${path}/restore`, id),
    at('POST', `${path}/set-experiment-tag`, { ...id, 'key!': 'k', value: 'v' }),
    at('POST', `${path}/delete-experiment-tag`, { ...id, 'key!': 'k' }),
    at('POST', `${path}/search`, {
      max_results: 5,
      page_token: '',
      filter: "name = 'a'",
      order_by: ['name'],
      view_type: 'ALL',
    }),
    at('GET', `${path}/search`, { max_results: 5, filter: "name = 'a'" }),
    at('POST', `${path}/search-datasets`, { experiment_ids: [experiment] }),
  ]
}

function runRoutes({ experiment, run, loggedModel }: Things): Route[] {
  const path = '/mlflow/runs'
  const id = { 'run_id!': run }
  const metric = { key: 'loss', value: 0.5, timestamp: 1_700_000_000_000, step: 1 }
  const dataset = { name: 'd', digest: 'x', source_type: 'local', source: '{}' }
  return [
    at('POST', `${path}/create`, {
      experiment_id: experiment,
      user_id: 'me',
      run_name: 'r',
      start_time: 1_700_000_000_000,
      tags: pairs,
    }),
    at('GET', `${path}/get`, id),
    at('POST', `${path}/update`, { ...id, status: 'FINISHED', end_time: 1_700_000_000_000 }),
    at('POST', `${path}/delete`, id),
    at('POST', `${path}/restore`, id),
    at('POST', `${path}/search`, {
      experiment_ids: [experiment],
      max_results: 5,
      filter: 'metrics.loss < 1',
      run_view_type: 'ALL',
      order_by: ['metrics.loss'],
    }),
    at('POST', `${path}/log-metric`, {
      ...id,
      'key!': 'loss',
      'value!': 0.5,
      'timestamp!': 1_700_000_000_000,
      step: 1,
    }),
    at('POST', `${path}/log-parameter`, { ...id, 'key!': 'p', value: 'v' }),
    at('POST', `${path}/set-tag`, { ...id, 'key!': 't', value: 'v' }),
    at('POST', `${path}/delete-tag`, { ...id, 'key!': 't' }),
    at('POST', `${path}/log-batch`, { ...id, metrics: [metric], params: pairs, tags: pairs }),
    at('POST', `${path}/log-inputs`, { ...id, datasets: [{ dataset, tags: pairs }] }),
    at('POST', `${path}/outputs`, { ...id, models: [{ model_id: loggedModel, step: 1 }] }),
    at('GET', '/mlflow/metrics/get-history', { ...id, 'metric_key!': 'loss', max_results: 5 }),
    at('GET', '/mlflow/metrics/get-history-bulk', { ...id, 'metric_key!': 'l', max_results: 5 }),
    at('GET', '/mlflow/metrics/get-history-bulk-interval', {
      'run_ids!': run,
      'metric_key!': 'l',
      max_results: 5,
    }),
    at('POST', `${path}/log-model`, { ...id, 'model_json!': MODEL_JSON }),
    at('GET', '/mlflow/artifacts/list', { ...id, path: 'model' }),
  ]
}

function registryRoutes({ run, source }: Things): Route[] {
  const models = '/mlflow/registered-models'
  const versions = '/mlflow/model-versions'
  const name = { 'name!': MODEL }
  const version = { ...name, 'version!': '1' }
  return [
    at('POST', `${models}/create`, { 'name!': 'new', description: 'd', tags: pairs }),
    at('GET', `${models}/get`, name),
    at('GET', `${models}/search`, { max_results: 5, filter: "name = 'a'" }),
    at('POST', `${models}/rename`, { ...name, 'new_name!': 'other' }),
    at('PATCH', `${models}/update`, { ...name, description: 'd' }),
    at('DELETE', `${models}/delete`, name),
    at('POST', `${models}/set-tag`, { ...name, 'key!': 'k', value: 'v' }),
    at('DELETE', `${models}/delete-tag`, { ...name, 'key!': 'k' }),
    at('POST', `${models}/alias`, { ...version, 'alias!': 'a' }),
    at('DELETE', `${models}/alias`, { ...name, 'alias!': 'a' }),
    at('GET', `${models}/alias`, { ...name, 'alias!': 'a' }),
    at('POST', `${models}/get-latest-versions`, { ...name, stages: ['None'] }),
    at('GET', `${models}/get-latest-versions`, name),
    at('POST', `${versions}/create`, { ...name, 'source!': source, run_id: run, tags: pairs }),
    at('GET', `${versions}/get`, version),
    at('PATCH', `${versions}/update`, { ...version, description: 'd' }),
    at('DELETE', `${versions}/delete`, version),
    at('GET', `${versions}/search`, { max_results: 5, filter: "name = 'a'" }),
    at('GET', `${versions}/get-download-uri`, version),
    at('POST', `${versions}/transition-stage`, {
      ...version,
      'stage!': 'Staging',
      archive_existing_versions: false,
    }),
    at('POST', `${versions}/set-tag`, { ...version, 'key!': 'k', value: 'v' }),
    at('DELETE', `${versions}/delete-tag`, { ...version, 'key!': 'k' }),
  ]
}

function loggedModelRoutes({ experiment, loggedModel, run }: Things): Route[] {
  const path = '/mlflow/logged-models'
  const one = `${path}/{model_id}`
  const id = { model_id: loggedModel }
  return [
    at('POST', path, {
      'experiment_id!': experiment,
      name: 'm',
      model_type: 't',
      source_run_id: run,
      params: pairs,
      tags: pairs,
    }),
    at('POST', `${path}/search`, {
      'experiment_ids!': [experiment],
      max_results: 5,
      filter: "name = 'a'",
      datasets: [{ dataset_name: 'd' }],
      order_by: [{ field_name: 'name' }],
    }),
    at('GET', one, { allow_deleted: true }, id),
    at('PATCH', one, { 'status!': 'LOGGED_MODEL_READY' }, id),
    at('DELETE', one, {}, id),
    at('PATCH', `${one}/tags`, { tags: pairs }, id),
    at('DELETE', `${one}/tags/{key}`, {}, { ...id, key: 'k' }),
    at('POST', `${one}/params`, { params: pairs }, id),
    at('GET', `${one}/artifacts/directories`, { artifact_directory_path: 'a' }, id),
  ]
}

function webhookRoutes({ mlflowWebhook: webhook }: Things): Route[] {
  const path = '/mlflow/webhooks'
  const one = `${path}/{webhook}`
  const id = { webhook }
  const fields = {
    'name!': 'w',
    'url!': 'https://127.0.0.1:9/',
    'events!': [{ entity: 'PROMPT', action: 'CREATED' }],
  }
  return [
    at('POST', path, { ...fields, description: 'd', secret: 's', status: 'DISABLED' }),
    at('GET', path, { max_results: 5 }),
    at('GET', one, {}, id),
    at('PATCH', one, { name: 'w', status: 'DISABLED' }, id),
    at('DELETE', one, {}, id),
    at('POST', `${one}/test`, { event: fields['events!'][0] }, id),
  ]
}

function evaluationRoutes({ experiment, dataset }: Things): Route[] {
  const one = '/datasets/{dataset}'
  const id = { dataset }
  const scorer = { 'experiment_id!': experiment, 'name!': 's' }
  return [
    at3('POST', '/datasets/create', { 'name!': 'd', experiment_ids: [experiment], tags: '{}' }),
    at3('POST', '/datasets/search', {
      experiment_ids: [experiment],
      filter_string: "name = 'a'",
      max_results: 5,
      order_by: ['name'],
    }),
    at3('POST', '/scorers/register', { ...scorer, 'serialized_scorer!': '{}' }),
    at3('GET', '/scorers/list', { experiment_id: experiment }),
    at3('GET', '/scorers/versions', scorer),
    at3('GET', '/scorers/get', scorer),
    at3('DELETE', '/scorers/delete', { ...scorer, version: 1 }),
    at3('GET', '/datasets/search', { filter_string: "name = 'a'", max_results: 5 }),
    at3('GET', one, {}, id),
    at3('GET', `${one}/experiment-ids`, {}, id),
    at3('GET', `${one}/records`, { max_results: 5 }, id),
    at3('PATCH', `${one}/tags`, { 'tags!': '{}' }, id),
    at3('POST', `${one}/records`, { 'records!': '[]' }, id),
    at3('DELETE', `${one}/records`, { dataset_record_ids: ['dr-none'] }, id),
    at3('POST', `${one}/add-experiments`, { experiment_ids: [experiment] }, id),
    at3('POST', `${one}/remove-experiments`, { experiment_ids: [experiment] }, id),
    at3('DELETE', one, {}, id),
  ]
}

function traceRoutes({ experiment, run, trace, assessment }: Things): Route[] {
  const locations = [{ mlflow_experiment: { experiment_id: experiment } }]
  const info = { trace_id: trace, trace_location: locations[0], state: 'OK', tags: { k: 'v' } }
  const search = { filter: "status = 'OK'", max_results: 5, order_by: ['timestamp_ms'] }
  const said = { assessment_name: 'good', feedback: { value: true } }
  const id = { id: trace }
  const one = { id: trace, assessment }
  const said2 = '/traces/{id}/assessments'
  const tag = { 'key!': 'k', value: 'v' }
  const measure = { metric_name: 'latency', aggregations: [{ aggregation_type: 'AVG' }] }
  return [
    at3('POST', '/traces', { 'trace!': { trace_info: info } }),
    at3('POST', '/traces/search', { 'locations!': locations, ...search }),
    at3('GET', '/traces/get', { 'trace_id!': trace, allow_partial: 'true' }),
    at3('GET', '/traces/batchGet', { 'trace_ids!': trace }),
    at3('POST', '/traces/batchGetInfos', { 'trace_ids!': [trace], experiment_ids: [experiment] }),
    at3('POST', said2, { 'assessment!': said }, id),
    at3('GET', `${said2}/{assessment}`, {}, one),
    at3('PATCH', `${said2}/{assessment}`, { 'assessment!': said, 'update_mask!': 'feedback' }, one),
    at3('PATCH', '/traces/{id}/tags', tag, id),
    at3('DELETE', '/traces/{id}/tags', { 'key!': 'k' }, id),
    at3('POST', '/traces/link-to-run', { 'trace_ids!': [trace], 'run_id!': run }),
    at3('POST', '/traces/delete-traces', {
      'experiment_id!': experiment,
      request_ids: ['tr-none'],
    }),
    at3('POST', '/traces/metrics', {
      'experiment_ids!': [experiment],
      view_type: 'TRACES',
      ...measure,
    }),
    at3('POST', '/traces/calculate-filter-correlation', {
      'experiment_ids!': [experiment],
      'filter_string1!': "status = 'OK'",
      'filter_string2!': "tags.k = 'v'",
    }),
  ]
}

/** What clients before MLflow 3 send. */
function oldTraceRoutes({ experiment, run, trace }: Things): Route[] {
  const path = '/mlflow/traces'
  const id = { id: trace }
  return [
    at('POST', path, { 'experiment_id!': experiment, timestamp_ms: 1, tags: pairs }),
    at('GET', path, { experiment_ids: experiment, max_results: 5 }),
    at('GET', `${path}/{id}/info`, {}, id),
    at('PATCH', `${path}/{id}`, { timestamp_ms: 1, status: 'OK', tags: pairs }, id),
    at('PATCH', `${path}/{id}/tags`, { 'key!': 'k', value: 'v' }, id),
    at('POST', `${path}/delete-traces`, { 'experiment_id!': experiment, request_ids: ['tr-none'] }),
    at('POST', `${path}/link-to-run`, { 'trace_ids!': [trace], 'run_id!': run }),
  ]
}

function artifactRoutes({ folder, run }: Things): Route[] {
  const path = '/mlflow-artifacts'
  return [
    at('GET', `${path}/artifacts`, { path: folder }),
    at('GET', `${path}/artifacts/{file}`, {}, { file: `${folder}/MLmodel` }),
    at('DELETE', `${path}/artifacts/{file}`, {}, { file: `${folder}/none` }),
    at('POST', '/mlflow/artifacts/presigned-upload-url', { run_id: run, 'path!': 'a' }),
    at('POST', '/mlflow/artifacts/presigned-download-url', { run_id: run, 'path!': 'a' }),
    routeOf(
      'mlflow',
      'GET /model-versions/get-artifact',
      { 'name!': MODEL, 'version!': '1', 'path!': 'MLmodel' },
      {},
    ),
    routeOf('mlflow', 'GET /get-artifact', { 'run_id!': run, 'path!': 'model/MLmodel' }, {}),
  ]
}
