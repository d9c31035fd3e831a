import { useInfiniteQuery, useQueries, useQuery } from '@tanstack/react-query'
import { ListFilter } from 'lucide-react'
import { useState } from 'react'
import { childrenQuery, columnsQuery, runsQuery, type Scope } from '#web/api/runs.ts'
import { experimentQuery } from '#web/api/run.ts'
import { Empty } from '#web/ui/command.tsx'
import { tabClass, useTitle } from '#web/ui/page.tsx'
import { SiteHeader } from '#web/ui/site-header.tsx'
import { Charts } from './charts.tsx'
import { ColumnPicker } from './column-picker.tsx'
import { Compare } from './compare.tsx'
import { FacetPanel } from './facet-panel.tsx'
import { FilterBar } from './filter-bar.tsx'
import { FolderTree } from './folder-tree.tsx'
import type { Look } from './look.ts'
import { rowsOf } from './rows.ts'
import { RunsTable } from './runs-table.tsx'
import { useLook } from './use-look.ts'
import { ViewsMenu } from './views-menu.tsx'

/** Always asked for: what a row needs beside the columns that are shown. */
const OWN = ['attributes.run_name', 'attributes.child_count'] as const
const NO_COLUMNS: readonly string[] = []

/** Runs across experiments: folders at the left, the table, and what the runs hold at the right. */
export function RunsPage() {
  const { look } = useLook()
  return (
    <div className="flex h-dvh min-h-[30rem] flex-col">
      <SiteHeader />
      <main
        id="content"
        tabIndex={-1}
        className="grid min-h-0 flex-1 grid-cols-1 gap-4 overflow-auto p-4 outline-none md:grid-cols-[15rem_minmax(0,1fr)] md:overflow-hidden xl:grid-cols-[15rem_minmax(0,1fr)_15rem]"
      >
        <aside aria-label="Folders" className="flex max-h-64 min-h-0 flex-col md:max-h-none">
          <FolderTree />
        </aside>
        <Workspace look={look} />
      </main>
    </div>
  )
}

function Workspace({ look }: { look: Look }) {
  const { folder, experiment, filter } = look
  const scope: Scope = { folder, experiment, filter }
  const columns = useColumns(look, scope)
  const { rows, opened, toggle, runs } = useRows(look, { scope, columns })
  const selected = look.selected ?? NO_COLUMNS
  const title = useScopeTitle(look)
  return (
    <>
      <div className="flex min-h-[24rem] min-w-0 flex-col gap-3">
        <h1 title={title} className="truncate text-xl font-semibold tracking-tight">
          {title}
        </h1>
        <div className="flex flex-wrap items-start gap-2">
          <FilterBar error={runs.error} />
          <FlatSwitch />
          <FacetMenu scope={scope} columns={columns} />
          <ColumnPicker scope={{ folder, experiment }} columns={columns} />
          <ViewsMenu />
        </div>
        <Tabs chosen={selected.length} />
        {look.tab === 'compare' ? (
          <Compare runIds={selected} />
        ) : look.tab === 'charts' ? (
          <Charts runIds={selected} />
        ) : runs.data !== undefined && rows.length === 0 ? (
          <NoRuns filtered={filter !== undefined} />
        ) : (
          <RunsTable
            rows={rows}
            columns={columns}
            opened={opened}
            onToggle={toggle}
            onEnd={
              runs.hasNextPage && !runs.isFetchingNextPage
                ? () => void runs.fetchNextPage()
                : undefined
            }
          />
        )}
      </div>
      <aside aria-label="Facets" className="hidden min-h-0 overflow-auto xl:block">
        {runs.error === null ? <FacetPanel scope={scope} columns={columns} /> : null}
      </aside>
    </>
  )
}

/** The columns that were chosen, or else what most of the runs have. */
function useColumns(look: Look, { folder, experiment }: Scope): readonly string[] {
  const { data } = useQuery(columnsQuery({ folder, experiment }))
  if (look.columns !== undefined) return look.columns
  const metrics = (data?.metrics.keys ?? [])
    // How busy the machine was is of no use beside how good the run is.
    .filter(({ key }) => !key.startsWith('system/'))
    .slice(0, 4)
    .map(({ key }) => `metrics.${key}`)
  const params = (data?.params.keys ?? []).slice(0, 3).map(({ key }) => `params.${key}`)
  const where = experiment === undefined ? ['attributes.experiment_name'] : []
  return ['attributes.status', 'attributes.start_time', ...where, ...metrics, ...params]
}

function useRows(look: Look, { scope, columns }: { scope: Scope; columns: readonly string[] }) {
  const [openedIds, setOpened] = useState<ReadonlySet<string>>(new Set())
  const asked = [...OWN, ...columns.filter((column) => !OWN.some((own) => own === column))]
  // What a filter looks for may stand at any depth.
  const nested = look.flat !== true && look.filter === undefined
  const runs = useInfiniteQuery(
    runsQuery({ ...scope, orderBy: look.order, columns: asked, nested }),
  )
  const ids = [...openedIds]
  const children = useQueries({ queries: ids.map((runId) => childrenQuery(runId, asked)) })
  const opened = new Map(ids.map((runId, at) => [runId, children[at]?.data]))
  const pages = runs.data?.pages ?? []
  const shown = pages[0]?.columns ?? asked
  const rows = rowsOf(
    pages.flatMap((page) => page.runs),
    shown,
    opened,
  )
  const toggle = (runId: string) =>
    setOpened((before) => {
      const after = new Set(before)
      if (!after.delete(runId)) after.add(runId)
      return after
    })
  return { rows, opened: openedIds, toggle, runs }
}

/** What the reader looks through: an experiment, a folder, or all there are. */
function useScopeTitle({ folder, experiment }: Look): string {
  const { data } = useQuery(experimentQuery(experiment))
  const title =
    experiment === undefined ? (folder ?? 'All experiments') : (data?.name ?? 'Experiment')
  useTitle(title)
  return title
}

/** The facets where there is no room for them beside the table. */
function FacetMenu({ scope, columns }: { scope: Scope; columns: readonly string[] }) {
  const [open, setOpen] = useState(false)
  return (
    <details
      className="relative xl:hidden"
      onToggle={(event) => setOpen((event.target as HTMLDetailsElement).open)}
    >
      <summary className="button">
        <ListFilter aria-hidden size={14} />
        Facets
      </summary>
      <div className="menu right-0 w-72 max-md:right-auto max-md:left-0">
        {open ? <FacetPanel scope={scope} columns={columns} /> : null}
      </div>
    </details>
  )
}

function FlatSwitch() {
  const { look, change } = useLook()
  return (
    <label className="button">
      <input
        type="checkbox"
        checked={look.flat !== true}
        onChange={() => change({ flat: look.flat === true ? undefined : true })}
      />
      Nested
    </label>
  )
}

function Tabs({ chosen }: { chosen: number }) {
  const { look, change } = useLook()
  const tabs = [
    { tab: undefined, words: 'Table' },
    { tab: 'compare', words: `Compare ${chosen}` },
    { tab: 'charts', words: `Charts of ${chosen}` },
  ] as const
  return (
    <div className="flex items-center gap-1 overflow-x-auto border-b border-line">
      {tabs.map(({ tab, words }) => (
        <button
          key={words}
          type="button"
          aria-pressed={look.tab === tab}
          disabled={tab !== undefined && chosen < (tab === 'compare' ? 2 : 1)}
          className={`cursor-pointer disabled:cursor-default disabled:text-ink-3 ${tabClass(look.tab === tab)}`}
          onClick={() => change({ tab })}
        >
          {words}
        </button>
      ))}
      {chosen === 0 ? (
        <span className="ml-2 text-xs whitespace-nowrap text-ink-3">
          Choose runs to compare or draw them.
        </span>
      ) : (
        <button
          type="button"
          className="button ml-auto"
          onClick={() => change({ selected: undefined, tab: undefined })}
        >
          Choose none
        </button>
      )}
    </div>
  )
}

function NoRuns({ filtered }: { filtered: boolean }) {
  const { change } = useLook()
  if (filtered)
    return (
      <div className="flex flex-col items-start gap-2 text-ink-2">
        <p>No run matches the filter.</p>
        <button type="button" className="button" onClick={() => change({ filter: undefined })}>
          Take the filter away
        </button>
      </div>
    )
  return (
    <Empty
      why="There is no run here yet. Point MLflow at this server and log one:"
      commands={[`export MLFLOW_TRACKING_URI=${location.origin}`, 'python train.py']}
    />
  )
}
