import { routeOf } from './mlflow-routes.ts'
import type { Route } from './route.ts'
import { DATA, DESTINATION, LIVE, MODEL, POLICY, PROJECT, STORE, type Things } from './world.ts'

interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly minItems?: number
  readonly const?: unknown
  readonly default?: unknown
  readonly examples?: readonly unknown[]
}

interface Operation {
  readonly parameters?: readonly {
    readonly in: string
    readonly name: string
    readonly schema: Schema & { default?: unknown }
    readonly example?: unknown
  }[]
  readonly requestBody?: { readonly content: Record<string, { schema: Schema }> }
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

/** Every route that the API's own document names, each with a request made from its schema. */
export async function apiRoutes(url: string, things: Things): Promise<Route[]> {
  const document = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as Document
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) =>
      apiRoute(method.toUpperCase(), path, operation, things),
    ),
  )
}

function apiRoute(method: string, path: string, operation: Operation, things: Things): Route {
  const { parameters = [], requestBody } = operation
  const schema = requestBody?.content['application/json']?.schema
  const places = parameters.filter(({ in: place }) => place === 'path')
  const query = parameters.filter(({ in: place }) => place === 'query')
  const route = routeOf(
    'api',
    `${method} ${path}`,
    {},
    Object.fromEntries(
      places.map(({ name, schema: of }) => [name, placeOf(path, name, of, things)]),
    ),
  )
  const known = KNOWN[`${method} ${path}`]?.(things) ?? {}
  return {
    ...route,
    query: Object.fromEntries(
      query.map(({ name, schema: of, example }) => [
        name,
        example === undefined
          ? (QUERY[`${path} ${name}`] ?? queryOf(name, of))
          : JSON.stringify(example).replaceAll('"', ''),
      ]),
    ),
    body: schema === undefined ? undefined : { ...objectOf(schema), ...known },
    // Those with a default are only called required.
    required: [
      ...(schema?.required ?? []).filter(
        (name) => schema?.properties?.[name]?.default === undefined,
      ),
      ...parameters.flatMap(({ name, schema: of, ...rest }) =>
        'required' in rest && rest.required && rest.in === 'query' && of.default === undefined
          ? [name]
          : [],
      ),
    ],
  }
}

/** Words of a query that a schema alone does not tell. */
const QUERY: Readonly<Record<string, string>> = {
  '/api/v1/pipelines/runs before': 'a~a',
  '/api/v1/lineage node': 'commit:abc',
}

/** Bodies that a schema alone does not tell. */
const KNOWN: Readonly<Record<string, (things: Things) => Record<string, unknown>>> = {
  'POST /api/v1/projects': ({ origin }) => ({ origin }),
  'POST /api/v1/promotions': () => ({ model: MODEL, version: 1, alias: 'champion' }),
  'POST /api/v1/webhooks': () => ({ name: 'w', url: 'https://8.8.8.8/', subject: 'model:a' }),
  'PATCH /api/v1/webhooks/{id}': () => ({ name: 'w', url: 'https://8.8.8.8/', subject: 'model:a' }),
  'POST /api/v1/runs/search': ({ experiment }) => ({
    ...scopeOf(experiment),
    columns: ['attributes.status'],
    pageToken: '',
  }),
  'POST /api/v1/runs/facets': ({ experiment }) => ({
    ...scopeOf(experiment),
    keys: ['attributes.status'],
  }),
  'POST /api/v1/runs/columns': ({ experiment }) => scopeOf(experiment),
  'POST /api/v1/runs/series': ({ run }) => ({ runIds: [run], keys: ['loss'] }),
  'POST /api/v1/views': ({ experiment }) => ({ ...scopeOf(experiment), columns: [] }),
  'PUT /api/v1/views/{id}': ({ experiment }) => ({
    ...scopeOf(experiment),
    columns: [],
    revision: 1,
  }),
  'PATCH /api/v1/endpoints/{endpoint}': () => ({ model: `models:/${MODEL}/1` }),
  'POST /api/v1/endpoints/{endpoint}/watermark': () => ({ time: '2024-01-01T00:00:00Z' }),
  'POST /api/v1/endpoints/{endpoint}/predictions': () => ({
    records: [{ carrier: 'AA', hour: 9, distance: 500, id: 'a', at: '2024-01-01T00:00:00Z' }],
  }),
  'POST /api/v1/policies/{project}/{policy}/test': () => ({ at: '2024-01-01T00:00:00Z' }),
  'POST /api/v1/backfills': () => ({ from: '2024-01-01', to: '2024-01-02', every: '1d' }),
  'POST /api/v1/endpoints/{endpoint}/ground-truth': () => ({ truths: [{ key: 'a', label: 1 }] }),
}

function scopeOf(experiment: string) {
  return { experimentIds: [experiment], folder: undefined, filter: '', orderBy: [] }
}

function placeOf(path: string, name: string, schema: Schema, things: Things): string {
  if (schema.type === 'integer') return '1'
  if (schema.format === 'date-time') return '2024-01-01T00:00:00Z'
  if (path.startsWith('/api/v1/datasets/'))
    return name === 'project' ? PROJECT : name === 'path' ? DATA.path : DATA.version
  if (path.includes('/destinations/')) return name === 'project' ? PROJECT : DESTINATION
  if (path.includes('/data-stores/')) return name === 'store' ? STORE : things.storeToken
  if (path.includes('/endpoints/')) return LIVE
  if (/\/(run-requests|pipelines\/runs)\//.test(path))
    return name === 'id' ? things.runRequest : 'train'
  if (path.includes('/backfills/')) return things.backfill
  if (path.includes('/policies/')) return name === 'project' ? PROJECT : POLICY
  if (path.includes('/runs/')) return name === 'key' ? 'loss' : things.run
  if (path.includes('/views/')) return things.view
  if (path.includes('/predictions/')) return things.prediction
  if (path.includes('/projects/')) return PROJECT
  if (path.includes('/traces/')) return things.trace
  if (path.includes('/webhooks/')) return name === 'id' ? things.webhook : things.delivery
  if (path.includes('/pipeline-runs/') && name === 'id') return things.pipelineRun
  return name === 'model' ? MODEL : 'train'
}

function queryOf(name: string, schema: Schema): string {
  if (schema.type === 'array') return queryOf('', schema.items ?? {})
  if (schema.type === 'integer') return String(exampleOf(schema))
  if (name === 'as_of') return '2100-01-01'
  if (name === 'to') return '2024-02-01T00:00:00Z'
  if (schema.format === 'date-time' || name === 'from') return '2024-01-01T00:00:00Z'
  if (name === 'kind' && schema.enum === undefined) return 'endpoint'
  if (name === 'after' && schema.pattern !== undefined) return '1.1.1'
  const example = exampleOf(schema)
  return typeof example === 'string' ? example : JSON.stringify(example)
}

function objectOf({ properties = {} }: Schema): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, exampleOf(schema)]),
  )
}

function exampleOf(schema: Schema): unknown {
  if (schema.examples !== undefined) return schema.examples[0]
  if (schema.const !== undefined) return schema.const
  if (schema.anyOf !== undefined) return exampleOf(schema.anyOf[0] ?? {})
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1
  if (schema.type === 'boolean') return true
  if (schema.type === 'array') return [exampleOf(schema.items ?? {})]
  if (schema.type === 'object') return objectOf(schema)
  return schema.pattern?.includes('0-9a-f') === true ? '0'.repeat(32) : 'a'
}
