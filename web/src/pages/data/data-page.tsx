import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { DataWire } from '#protocols/api/data-wire'
import { dataListQuery, projectNamesQuery } from '#web/api/data.ts'
import { Empty } from '#web/ui/command.tsx'
import { bytes, count, shortened } from '#web/ui/format.ts'
import { Ago } from '#web/ui/now.tsx'
import { LINK, Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { CELL, HEAD, NUMBER } from '#web/ui/table.ts'
import type { DataView } from './view.ts'

/** Every dataset that is on record. */
export function DataPage() {
  const view: DataView = useSearch({ from: '/data' })
  const { data, error, isPlaceholderData } = useQuery(dataListQuery(view))
  const isWhole = Object.values(view).every((each) => each === undefined)
  return (
    <Page title="Data" lead="What projects track, and what their stages make, with all versions.">
      <Filters view={view} />
      <Trouble error={error} />
      {data === undefined && error === null ? <Waiting>Asking the server…</Waiting> : null}
      {data?.datasets.length === 0 ? isWhole ? <FirstData /> : <NoneFound /> : null}
      {data === undefined || data.datasets.length === 0 ? null : (
        <>
          <DataTable datasets={data.datasets} />
          <div className="flex min-h-8 gap-2">
            {view.after === undefined ? null : (
              <Link to="/data" search={{ ...view, after: undefined }} className="button">
                First page
              </Link>
            )}
            {data.next === null || isPlaceholderData ? null : (
              <Link to="/data" search={{ ...view, after: data.next }} className="button">
                Next page
              </Link>
            )}
          </div>
        </>
      )}
    </Page>
  )
}

function Filters({ view }: { view: DataView }) {
  const navigate = useNavigate()
  const { data: projects = [] } = useQuery(projectNamesQuery)
  const [search, setSearch] = useState(view.search ?? '')
  const change = (part: DataView) =>
    void navigate({ to: '/data', search: { ...view, after: undefined, ...part }, replace: true })
  return (
    <search className="flex flex-wrap gap-2">
      <input
        type="search"
        data-filter=""
        aria-label="Paths that hold"
        placeholder="Paths that hold…"
        className="field min-w-48 flex-1"
        value={search}
        onChange={({ target }) => {
          setSearch(target.value)
          change({ search: target.value.trim() || undefined })
        }}
      />
      <select
        aria-label="Project"
        className="field w-auto"
        value={view.project ?? ''}
        onChange={({ target }) => change({ project: target.value || undefined })}
      >
        <option value="">All projects</option>
        {[...new Set([...projects, ...(view.project === undefined ? [] : [view.project])])].map(
          (name) => (
            <option key={name}>{name}</option>
          ),
        )}
      </select>
      <select
        aria-label="Kind"
        className="field w-auto"
        value={view.kind ?? ''}
        onChange={({ target }) =>
          change({ kind: (target.value || undefined) as DataView['kind'] | undefined })
        }
      >
        <option value="">Tracked and made</option>
        <option value="tracked">Tracked by commits</option>
        <option value="made">Made by stages</option>
      </select>
    </search>
  )
}

function FirstData() {
  return (
    <Empty
      why="No dataset is on record. Track a file or folder in your project, commit, and let the server know the project."
      commands={['orrery add data/months', 'git commit -am "First data"', 'orrery project add .']}
    />
  )
}

function NoneFound() {
  return <p className="text-ink-2">No dataset is like that. Change what is looked for.</p>
}

function DataTable({ datasets }: { datasets: readonly DataWire[] }) {
  return (
    <section
      aria-label="Datasets"
      // What scrolls has to be reached by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="overflow-x-auto rounded-xl border border-line bg-surface"
    >
      <table className="w-full text-sm">
        <thead>
          <tr>
            {['Dataset', 'Project', 'Comes by', 'Newest'].map((name) => (
              <th key={name} scope="col" className={HEAD}>
                {name}
              </th>
            ))}
            {['Versions', 'Size', 'Files', 'Added'].map((name) => (
              <th key={name} scope="col" className={`${HEAD} text-right`}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {datasets.map(({ project, path, kind, versions, newest }) => (
            <tr key={`${project}/${path}`} className="hover:bg-sunken">
              <td className={CELL}>
                <Link
                  data-row=""
                  to="/data/$project/$path"
                  params={{ project, path }}
                  search={{}}
                  className={`${LINK} font-medium wrap-anywhere`}
                >
                  {path}
                </Link>
              </td>
              <td className={CELL}>{project}</td>
              <td className={`${CELL} text-ink-2`}>{kind === 'made' ? 'a stage' : 'a commit'}</td>
              <td className={`${CELL} font-mono text-xs text-ink-2`} title={newest.version}>
                {shortened(newest.version)}
              </td>
              <td className={NUMBER}>{count(versions)}</td>
              <td className={NUMBER}>
                {newest.sizeBytes === null ? '–' : bytes(newest.sizeBytes)}
              </td>
              <td className={NUMBER}>{newest.files === null ? '–' : count(newest.files)}</td>
              <td className={`${NUMBER} text-ink-3`}>
                <Ago time={newest.added} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
