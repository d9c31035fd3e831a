import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { FoldersWire } from '#protocols/api/folders-wire'
import type {
  ColumnsWire,
  FacetsWire,
  RunsWire,
  SeriesWire,
  TreeWire,
} from '#protocols/api/runs-wire'
import type { ViewsWire } from '#protocols/api/views-wire'
import { getJson } from './get.ts'
import { askJson } from './ask.ts'

/** Which runs are meant: those of one experiment, or of a folder at any depth. */
export interface Scope {
  readonly experiment?: string | undefined
  readonly folder?: string | undefined
  readonly filter?: string | undefined
}

export interface RunsAsk extends Scope {
  readonly orderBy?: string | undefined
  readonly columns: readonly string[]
  readonly nested: boolean
}

const PAGE = 200

function bodyOf({ experiment, folder, filter }: Scope) {
  const scope =
    experiment === undefined ? { folder: folder ?? '' } : { experimentIds: [experiment] }
  return { ...scope, filter: filter ?? '' }
}

export function runsQuery(ask: RunsAsk) {
  return infiniteQueryOptions({
    queryKey: ['runs', ask],
    queryFn: ({ pageParam, signal }) =>
      askJson<RunsWire>('POST', '/api/v1/runs/search', {
        body: {
          ...bodyOf(ask),
          columns: ask.columns,
          orderBy: ask.orderBy === undefined ? [] : [ask.orderBy],
          nested: ask.nested,
          limit: PAGE,
          ...(pageParam === null ? {} : { pageToken: pageParam }),
        },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
    retry: false,
  })
}

export function foldersQuery(folder: string, search = '') {
  return queryOptions({
    queryKey: ['folders', folder, search],
    queryFn: ({ signal }) =>
      getJson<FoldersWire>(
        `/api/v1/experiments?${new URLSearchParams({ folder, search, limit: '1000' }).toString()}`,
        signal,
      ),
  })
}

export function columnsQuery(scope: Scope, search = '') {
  return queryOptions({
    queryKey: ['columns', scope, search],
    queryFn: ({ signal }) =>
      askJson<ColumnsWire>('POST', '/api/v1/runs/columns', {
        body: { ...bodyOf(scope), search },
        signal,
      }),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 30_000,
  })
}

export function facetsQuery(scope: Scope, keys: readonly string[]) {
  return queryOptions({
    queryKey: ['facets', scope, keys],
    queryFn: ({ signal }) =>
      askJson<FacetsWire>('POST', '/api/v1/runs/facets', {
        body: { ...bodyOf(scope), keys, limit: 8 },
        signal,
      }),
    placeholderData: keepPreviousData,
    enabled: keys.length > 0,
    retry: false,
  })
}

/** The children of a run with the columns of the table. */
export function childrenQuery(runId: string, columns: readonly string[]) {
  const query = new URLSearchParams({ depth: '1', limit: '1000' })
  for (const column of columns) query.append('column', column)
  return queryOptions({
    queryKey: ['children', runId, columns],
    queryFn: ({ signal }) =>
      getJson<TreeWire>(`/api/v1/runs/${runId}/tree?${query.toString()}`, signal),
  })
}

export function seriesQuery(
  runIds: readonly string[],
  keys: readonly string[],
  {
    points = 1000,
    everyMs = false,
  }: { readonly points?: number; readonly everyMs?: number | false } = {},
) {
  return queryOptions({
    queryKey: ['series', runIds, keys, points],
    queryFn: async ({ signal }) =>
      (
        await askJson<{ series: SeriesWire[] }>('POST', '/api/v1/runs/series', {
          body: { runIds, keys, points },
          signal,
        })
      ).series,
    enabled: runIds.length > 0 && keys.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: everyMs,
  })
}

export const viewsQuery = queryOptions({
  queryKey: ['views'],
  queryFn: ({ signal }) => getJson<ViewsWire>('/api/v1/views?limit=200', signal),
})

/** Columns of one request. */
const COLUMNS_MAX = 200

/** Some runs with everything that they have. */
export function wholeRunsQuery(runIds: readonly string[]) {
  return queryOptions({
    queryKey: ['whole-runs', runIds],
    queryFn: async ({ signal }) => {
      const filter = `attributes.run_id IN (${runIds.map((id) => `'${id}'`).join(', ')})`
      const found = await askJson<ColumnsWire>('POST', '/api/v1/runs/columns', {
        body: { filter, limit: 1000 },
        signal,
      })
      const columns = (['params', 'metrics', 'tags'] as const).flatMap((of) =>
        found[of].keys.map(({ key }) => `${of}.${key}`),
      )
      const values = new Map<string, Record<string, string | number | null>>()
      for (let at = 0; at === 0 || at < columns.length; at += COLUMNS_MAX - 1) {
        const some = ['attributes.run_name', ...columns.slice(at, at + COLUMNS_MAX - 1)]
        const page = await askJson<RunsWire>('POST', '/api/v1/runs/search', {
          body: { filter, columns: some, limit: 1000, view: 'all' },
          signal,
        })
        for (const { runId, values: row } of page.runs)
          values.set(runId, {
            ...values.get(runId),
            ...Object.fromEntries(
              page.columns.map((column, index) => [column, row[index] ?? null]),
            ),
          })
      }
      return {
        columns,
        runs: runIds.flatMap((runId) => {
          const own = values.get(runId)
          return own === undefined ? [] : [{ runId, values: own }]
        }),
      }
    },
    enabled: runIds.length > 0,
  })
}
