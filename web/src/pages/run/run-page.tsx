import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { TreeWire } from '#protocols/api/runs-wire'
import { experimentQuery, familyQuery, runQuery, type RunWire } from '#web/api/run.ts'
import { LINK, Page, tabClass, Trouble, Waiting } from '#web/ui/page.tsx'
import { RunState } from '#web/ui/run-state.tsx'
import { StatePill } from '#web/ui/state.tsx'
import { Activity } from './activity.tsx'
import { Lineage } from './lineage.tsx'
import { Overview } from './overview.tsx'
import { Raw } from './raw.tsx'
import { useRunView } from './use-view.ts'

const TABS = [
  { tab: undefined, words: 'Overview' },
  { tab: 'lineage', words: 'Lineage' },
  { tab: 'activity', words: 'Activity' },
  { tab: 'raw', words: 'Raw' },
] as const

/** One run: what it was told to do, what came of it, where it came from and what became of it. */
export function RunPage() {
  const { runId } = useRunView()
  const { data: run, error } = useQuery(runQuery(runId))
  const family = useQuery(familyQuery(runId))
  return (
    <Page
      title={run?.info.run_name || runId}
      above={<Above run={run} family={family.data} />}
      beside={
        run === undefined ? null : (
          <>
            <RunState status={run.info.status} />
            {run.info.lifecycle_stage === 'deleted' ? (
              <StatePill state="warning">In the trash</StatePill>
            ) : null}
          </>
        )
      }
    >
      {/* The last good answer is worth more than a blank page. */}
      <Trouble error={error} />
      {run === undefined ? (
        error === null ? (
          <Waiting>Reading the run…</Waiting>
        ) : null
      ) : (
        <>
          <Tabs />
          <Chosen run={run} family={family.data} />
        </>
      )}
    </Page>
  )
}

function Above({ run, family }: { run: RunWire | undefined; family: TreeWire | undefined }) {
  const id = run?.info.experiment_id
  const experiment = useQuery(experimentQuery(id))
  return (
    <span className="flex flex-wrap gap-x-1.5">
      <Link to="/runs" search={{}} className={LINK}>
        Experiments
      </Link>
      {id === undefined ? null : (
        <>
          <span aria-hidden>/</span>
          <Link to="/runs" search={{ experiment: id }} className={LINK} data-up="">
            {experiment.data?.name ?? id}
          </Link>
        </>
      )}
      {family?.ancestors.map(({ runId, values: [name] }) => (
        <span key={runId} className="flex gap-x-1.5">
          <span aria-hidden>/</span>
          <Link to="/runs/$run" params={{ run: runId }} search={{}} className={LINK}>
            {name ?? runId}
          </Link>
        </span>
      ))}
    </span>
  )
}

function Tabs() {
  const { runId, view } = useRunView()
  return (
    <nav aria-label="Of the run" className="flex gap-1 overflow-x-auto border-b border-line">
      {TABS.map(({ tab, words }) => (
        <Link
          key={words}
          to="/runs/$run"
          params={{ run: runId }}
          search={{ ...view, tab }}
          replace
          aria-current={view.tab === tab ? 'page' : undefined}
          className={tabClass(view.tab === tab)}
        >
          {words}
        </Link>
      ))}
    </nav>
  )
}

function Chosen({ run, family }: { run: RunWire; family: TreeWire | undefined }) {
  const { view } = useRunView()
  if (view.tab === 'lineage') return <Lineage runId={run.info.run_id} />
  if (view.tab === 'activity') return <Activity runId={run.info.run_id} />
  if (view.tab === 'raw') return <Raw run={run} />
  return <Overview run={run} family={family} />
}
