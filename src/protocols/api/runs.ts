import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import {
  parseRunColumn,
  parseRunFilter,
  parseRunOrder,
  PARENT_TAG,
  printRunColumn,
  RUN_ATTRIBUTES,
  type Browsing,
  type RunQuery,
  type RunScope,
  type SampledSeries,
} from '#tracking'
import { placeIn, tokenOf } from './places.ts'
import {
  ColumnsBody,
  ColumnsWire,
  FacetsBody,
  FacetsWire,
  RunsWire,
  SearchBody,
  SeriesBody,
  SeriesQuery,
  SeriesWire,
  TreeQuery,
  TreeWire,
} from './runs-wire.ts'

interface Asked {
  readonly experimentIds?: readonly string[]
  readonly folder?: string
  readonly filter?: string
  readonly view?: 'active' | 'deleted' | 'all'
}

const DEFAULT_COLUMNS = ['run_name', 'status', 'start_time', 'experiment_id'].map(
  (name) => `attributes.${name}`,
)

/** The schemas describe; serializers compiled from them would slow each start of the server. */
export const plainJson = () => (data: unknown) => JSON.stringify(data)

/** Runs as people look through them. */
export function runRoutes(app: FastifyInstance, browsing: Browsing): void {
  app.post<{ Body: SearchBody }>(
    '/runs/search',
    {
      schema: {
        summary: 'Search runs across experiments; only the columns asked for are read',
        body: SearchBody,
        response: { 200: RunsWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ body }) => {
      const columns = (body.columns ?? DEFAULT_COLUMNS).map(parseRunColumn)
      const query = queryIn(body)
      const { rows, next } = await browsing.rows({
        ...query,
        conditions: body.nested === true ? [...query.conditions, IS_ROOT] : query.conditions,
        order: parseRunOrder(body.orderBy),
        columns,
        limit: body.limit ?? 100,
        after: placeIn(body.pageToken),
      })
      return { columns: columns.map(printRunColumn), runs: rows, next: tokenOf(next) }
    },
  )
  facetRoutes(app, browsing)
  treeRoute(app, browsing)
  seriesRoutes(app, browsing)
}

const IS_ROOT = {
  field: { of: 'tag', key: PARENT_TAG },
  comparator: 'is-null',
  value: null,
} as const

function facetRoutes(app: FastifyInstance, browsing: Browsing): void {
  app.post<{ Body: FacetsBody }>(
    '/runs/facets',
    {
      schema: {
        summary: 'What the runs of a search hold: counts of values, ranges of metrics',
        body: FacetsBody,
        response: { 200: FacetsWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ body }) => {
      const columns = body.keys.map(parseRunColumn)
      for (const column of columns)
        if (column.of === 'attribute' && column.name === 'child_count')
          throw new Problem('invalid', 'attributes.child_count has no counts; leave it out of keys')
      const { runs, facets } = await browsing.facets(queryIn(body), columns, body.limit ?? 20)
      return {
        runs,
        facets: facets.map((facet, at) => Object.assign({ key: body.keys[at] ?? '' }, facet)),
      }
    },
  )
  app.post<{ Body: ColumnsBody }>(
    '/runs/columns',
    {
      schema: {
        summary: 'Which metrics, params and tags the runs of a search have',
        body: ColumnsBody,
        response: { 200: ColumnsWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ body }) => {
      const { search = '', limit = 100 } = body
      const { metric, param, tag } = await browsing.keys(queryIn(body), { search, limit })
      return {
        attributes: RUN_ATTRIBUTES.filter((name) => name.includes(search.toLowerCase())),
        metrics: metric,
        params: param,
        tags: tag,
      }
    },
  )
}

function treeRoute(app: FastifyInstance, browsing: Browsing): void {
  app.get<{ Params: { id: string }; Querystring: TreeQuery }>(
    '/runs/:id/tree',
    {
      schema: {
        summary: 'The runs above and below a run, to any depth',
        params: Type.Object({ id: Type.String() }),
        querystring: TreeQuery,
        response: { 200: TreeWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params, query }) => {
      const columns = query.column.map(parseRunColumn)
      const tree = await browsing.tree(params.id, {
        columns,
        depth: query.depth,
        limit: query.limit,
        lifecycles: lifecyclesOf(query.view),
        after: placeIn(query.page),
      })
      return {
        columns: columns.map(printRunColumn),
        ...tree,
        nodes: tree.nodes.map(({ next, ...node }) => Object.assign(node, { next: tokenOf(next) })),
      }
    },
  )
}

function seriesRoutes(app: FastifyInstance, browsing: Browsing): void {
  app.get<{ Params: { id: string; key: string }; Querystring: SeriesQuery }>(
    '/runs/:id/metrics/:key',
    {
      schema: {
        summary: 'The points of a metric for a chart; of many, the extremes of each stretch',
        params: Type.Object({ id: Type.String(), key: Type.String() }),
        querystring: SeriesQuery,
        response: { 200: SeriesWire },
      },
      serializerCompiler: plainJson,
    },
    async ({ params: { id, key }, query }) => {
      const [series] = await browsing.series({ runIds: [id], keys: [key], ...query })
      if (series !== undefined) return seriesToWire(series)
      throw new Problem(
        'not-found',
        `the run ${id} has no metric ${JSON.stringify(key)}; POST /api/v1/runs/columns lists what runs have`,
      )
    },
  )
  app.post<{ Body: SeriesBody }>(
    '/runs/series',
    {
      schema: {
        summary: 'The points of some metrics of some runs; those that have none are left out',
        body: SeriesBody,
        response: { 200: Type.Object({ series: Type.Array(SeriesWire) }) },
      },
      serializerCompiler: plainJson,
    },
    async ({ body: { axis = 'step', points = 1000, ...body } }) => ({
      series: (await browsing.series({ ...body, axis, points })).map(seriesToWire),
    }),
  )
}

export function queryIn(asked: Asked): RunQuery {
  return {
    scope: scopeIn(asked),
    conditions: parseRunFilter(asked.filter),
    lifecycles: lifecyclesOf(asked.view ?? 'active'),
  }
}

/** Throws `invalid` when both experiments and a folder are named. */
export function scopeIn({
  experimentIds,
  folder,
}: Pick<Asked, 'experimentIds' | 'folder'>): RunScope {
  if (experimentIds !== undefined && folder !== undefined)
    throw new Problem('invalid', 'experimentIds and folder are both given; name one of them')
  if (experimentIds !== undefined) return { of: 'experiments', experimentIds }
  return { of: 'folder', folder: (folder ?? '').replace(/\/+$/, '') }
}

export function lifecyclesOf(view: 'active' | 'deleted' | 'all') {
  return view === 'all' ? (['active', 'deleted'] as const) : [view]
}

function seriesToWire({ points, ...series }: SampledSeries): Static<typeof SeriesWire> {
  return {
    ...series,
    steps: points.map(({ step }) => step),
    times: points.map(({ atMs }) => atMs),
    values: points.map(({ value }) => (Number.isNaN(value) ? null : value)),
  }
}
