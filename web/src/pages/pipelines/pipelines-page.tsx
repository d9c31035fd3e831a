import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { useState } from 'react'
import type { ShownPipeline } from '#protocols/api/pipelines-wire'
import { projectNamesQuery } from '#web/api/data.ts'
import { pipelinesQuery } from '#web/api/pipelines.ts'
import { CELL, HEAD, NUMBER } from '#web/ui/table.ts'
import { Empty } from '#web/ui/command.tsx'
import { shortened } from '#web/ui/format.ts'
import { Ago } from '#web/ui/now.tsx'
import { LINK, Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { AskedBy, Revision, Took } from './facts.tsx'
import { RunDialog } from './run-dialog.tsx'
import { PipelineState, stateWords } from './states.tsx'
import { STATES, type PipelinesView } from './view.ts'

/** Every run of a pipeline, whoever ran it. */
export function PipelinesPage() {
  const view: PipelinesView = useSearch({ from: '/pipelines' })
  const [asking, setAsking] = useState(false)
  const { data, error, isPlaceholderData } = useQuery(pipelinesQuery(view))
  const isWhole = Object.values(view).every((each) => each === undefined)
  return (
    <Page
      title="Pipelines"
      lead="Runs of pipelines on this server, and those that other machines told of."
      aside={
        <button type="button" className="button" onClick={() => setAsking(true)}>
          <Play aria-hidden size={14} /> Run…
        </button>
      }
    >
      <Filters view={view} />
      <Trouble error={error} />
      {data === undefined && error === null ? <Waiting>Asking the server…</Waiting> : null}
      {data?.runs.length === 0 ? isWhole ? <FirstRun /> : <NoneFound /> : null}
      {data === undefined || data.runs.length === 0 ? null : <RunsTable runs={data.runs} />}
      {data === undefined ? null : (
        <div className="flex min-h-8 gap-2">
          {view.before === undefined ? null : (
            <Link to="/pipelines" search={{ ...view, before: undefined }} className="button">
              Newest
            </Link>
          )}
          {data.next === null || isPlaceholderData ? null : (
            <Link to="/pipelines" search={{ ...view, before: data.next }} className="button">
              Earlier
            </Link>
          )}
        </div>
      )}
      {asking ? <RunDialog project={view.project} onClose={() => setAsking(false)} /> : null}
    </Page>
  )
}

const BY = [
  ['', 'By anybody'],
  ['people', 'Asked for by people'],
  ['policies', 'By policies'],
  ['machines', 'On other machines'],
] as const

function Filters({ view }: { view: PipelinesView }) {
  const navigate = useNavigate()
  const { data: projects = [] } = useQuery(projectNamesQuery)
  const change = (part: PipelinesView) =>
    void navigate({
      to: '/pipelines',
      search: { ...view, before: undefined, ...part },
      replace: true,
    })
  const names = [...new Set([...projects, ...(view.project === undefined ? [] : [view.project])])]
  return (
    <search className="flex flex-wrap gap-2">
      <select
        aria-label="Project"
        data-filter=""
        className="field w-auto"
        value={view.project ?? ''}
        onChange={({ target }) => change({ project: target.value || undefined })}
      >
        <option value="">All projects</option>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <select
        aria-label="State"
        className="field w-auto"
        value={view.state ?? ''}
        onChange={({ target }) => change({ state: target.value || undefined })}
      >
        <option value="">In any state</option>
        {STATES.map((state) => (
          <option key={state} value={state}>
            {stateWords(state)}
          </option>
        ))}
      </select>
      <select
        aria-label="Cause"
        className="field w-auto"
        value={view.by ?? ''}
        onChange={({ target }) => change({ by: target.value || undefined })}
      >
        {BY.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </search>
  )
}

function FirstRun() {
  return (
    <Empty
      why="No pipeline has run. Ask for a run here, or by command; “orrery repro” in a project's folder tells of its runs too."
      commands={['orrery project add .', 'orrery run PROJECT', 'orrery repro']}
    />
  )
}

function NoneFound() {
  return <p className="text-ink-2">No run is like that here. Change what is looked for.</p>
}

const HEADS = ['Run', 'State', 'Project', 'Revision', 'Asked by']

function RunsTable({ runs }: { runs: readonly ShownPipeline[] }) {
  return (
    <section
      aria-label="Runs, newest first"
      // What scrolls has to be reached by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="overflow-x-auto rounded-xl border border-line bg-surface"
    >
      <table className="w-full text-sm">
        <thead>
          <tr>
            {HEADS.map((name) => (
              <th key={name} scope="col" className={HEAD}>
                {name}
              </th>
            ))}
            {['Took', 'When'].map((name) => (
              <th key={name} scope="col" className={`${HEAD} text-right`}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <Row key={run.id} run={run} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Row({ run }: { run: ShownPipeline }) {
  const what = [...run.targets, ...run.overrides].join(' ')
  return (
    <tr className="hover:bg-sunken">
      <td className={CELL}>
        <Link
          data-row=""
          to="/pipelines/$run"
          params={{ run: run.id }}
          search={{}}
          title={run.id}
          className={`${LINK} font-mono text-xs`}
        >
          {run.id.length > 26 ? `${shortened(run.id, 25)}…` : run.id}
        </Link>
        {what === '' ? null : (
          <p className="max-w-64 truncate text-xs text-ink-3" title={what.slice(0, 1000)}>
            {what.slice(0, 200)}
          </p>
        )}
      </td>
      <td className={CELL}>
        <PipelineState state={run.state} />
        {run.waitsFor.length > 0 ? (
          <p className="max-w-64 truncate pt-1 text-xs text-ink-2">{run.waitsFor.join(', ')}</p>
        ) : run.reason === null || run.state === 'succeeded' ? null : (
          <p className="line-clamp-2 max-w-80 pt-1 text-xs wrap-anywhere text-ink-3">
            {run.reason.slice(0, 300)}
          </p>
        )}
      </td>
      <td className={CELL}>{run.project}</td>
      <td className={CELL}>
        <Revision run={run} />
      </td>
      <td className={CELL}>
        <AskedBy run={run} />
      </td>
      <td className={NUMBER}>
        <Took run={run} />
      </td>
      <td className={`${NUMBER} text-ink-3`}>
        <Ago time={run.asked} />
      </td>
    </tr>
  )
}
