import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Transact } from '#ledger'
import type { Place } from '../search.ts'
import { facetOf, type Facet } from './facets.ts'
import { createFolders, type Folders } from './folders.ts'
import type { RunColumn, RunQuery, RunRowSearch } from './scope.ts'
import type { SampledSeries, SeriesAsk } from './series.ts'
import type { BrowsingReads, BrowsingWrites, RunRow } from './store.ts'
import { treeAround, type RunTree, type TreeAsk, type TreeNode } from './tree.ts'
import { createViews, type Views } from './views.ts'

/** Runs as people look through them: across experiments and folders, with only what they ask to see. */
export interface Browsing {
  readonly folders: Folders
  readonly views: Views
  rows(search: RunRowSearch): Promise<{ rows: readonly RunRow[]; next: Place | null }>
  /** In the order of the identifiers; unknown ones are left out. */
  rowsOf(runIds: readonly string[], columns: readonly RunColumn[]): Promise<RunRow[]>
  count(query: RunQuery): Promise<number>
  facets(
    query: RunQuery,
    columns: readonly RunColumn[],
    limit: number,
  ): Promise<{ runs: number; facets: readonly Facet[] }>
  /** The keys that the runs have, with how many have each. */
  keys(
    query: RunQuery,
    page: { search: string; limit: number },
  ): Promise<Readonly<Record<'metric' | 'param' | 'tag', KeyPage>>>
  /** Throws `not-found`. */
  tree(
    runId: string,
    ask: TreeAsk & { columns: readonly RunColumn[] },
  ): Promise<Omit<RunTree, 'ancestors' | 'nodes'> & ShownTree>
  series(ask: SeriesAsk): Promise<SampledSeries[]>
}

export interface KeyPage {
  readonly keys: readonly { readonly key: string; readonly runs: number }[]
  readonly more: boolean
}

interface ShownTree {
  readonly ancestors: readonly RunRow[]
  readonly nodes: readonly (TreeNode & RunRow)[]
}

export function createBrowsing(dependencies: {
  read: BrowsingReads
  transact: Transact<{ browsing: BrowsingWrites }>
  clock: Clock
  ids: Ids
}): Browsing {
  const { read } = dependencies
  const keysOf = async (
    query: RunQuery,
    page: { of: 'metric' | 'param' | 'tag'; search: string; limit: number },
  ): Promise<KeyPage> => {
    const keys = await read.keyCounts(query, page)
    return { keys: keys.slice(0, page.limit), more: keys.length > page.limit }
  }
  return {
    folders: createFolders(dependencies),
    views: createViews(dependencies),
    rows: async ({ columns, ...search }) => {
      const found = await read.browseRuns(search)
      const shown = found.slice(0, search.limit)
      const rows = await read.runRows(
        shown.map(({ item }) => item),
        columns,
      )
      return { rows, next: found.length > search.limit ? (shown.at(-1)?.place ?? null) : null }
    },
    rowsOf: (runIds, columns) => read.runRows(runIds, columns),
    count: (query) => read.countRuns(query),
    facets: async (query, columns, limit) => {
      const runs = await read.countRuns(query)
      const facets: Facet[] = []
      for (const column of columns) facets.push(await facetOf(read, query, { column, limit, runs }))
      return { runs, facets }
    },
    keys: async (query, page) => ({
      metric: await keysOf(query, { of: 'metric', ...page }),
      param: await keysOf(query, { of: 'param', ...page }),
      tag: await keysOf(query, { of: 'tag', ...page }),
    }),
    tree: async (runId, { columns, ...ask }) => {
      const { ancestors, nodes, cut } = await treeAround(read, runId, ask)
      const rows = await read.runRows(
        nodes.map((node) => node.runId),
        columns,
      )
      const values = new Map(rows.map((row) => [row.runId, row.values]))
      return {
        ancestors: await read.runRows(ancestors, columns),
        nodes: nodes.map((node) => Object.assign({ values: values.get(node.runId) ?? [] }, node)),
        cut,
      }
    },
    series: (ask) => read.series(ask),
  }
}
