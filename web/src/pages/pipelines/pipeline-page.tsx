import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { ChartGantt, FileText, Terminal, Workflow } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import type { ShownPipelineDetail } from '#protocols/api/pipelines-wire'
import { pipelineGraphQuery, pipelineQuery } from '#web/api/pipelines.ts'
import { Card, FactRow, Facts } from '#web/ui/card.tsx'
import { Command } from '#web/ui/command.tsx'
import { counted } from '#web/ui/format.ts'
import { Ago } from '#web/ui/now.tsx'
import { LINK, Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { Approvals } from './approvals.tsx'
import { CancelDialog } from './cancel-dialog.tsx'
import { StageDetail } from './stage-detail.tsx'
import { AskedBy, Revision, Took } from './facts.tsx'
import { PipelineState } from './states.tsx'
import { Timeline } from './timeline.tsx'
import type { PipelineView } from './view.ts'

const Graph = lazy(async () => ({ default: (await import('./graph.tsx')).Graph }))

/** One run of a pipeline: its stages, what they wait for, print, test and make. */
export function PipelinePage() {
  const { run: id } = useParams({ from: '/pipelines/$run' })
  const { data: run, error } = useQuery(pipelineQuery(id))
  const [cancelling, setCancelling] = useState(false)
  const isOpen = run?.kind === 'asked' && run.ended === null
  return (
    <Page
      title={run === undefined ? id : `Run of ${run.project}`}
      above={
        <Link to="/pipelines" search={{}} data-up="" className={LINK}>
          Pipelines
        </Link>
      }
      beside={run === undefined ? null : <PipelineState state={run.state} />}
      aside={
        isOpen ? (
          <button
            type="button"
            className="button"
            disabled={run.request?.cancelling}
            onClick={() => setCancelling(true)}
          >
            {run.request?.cancelling === true ? 'Ends…' : 'Cancel…'}
          </button>
        ) : null
      }
      lead={<code className="text-xs">{id}</code>}
    >
      <Trouble error={error} />
      {run === undefined && error === null ? <Waiting>Asking the server…</Waiting> : null}
      {run === undefined ? null : <Parts run={run} />}
      {run !== undefined && cancelling ? (
        <CancelDialog run={run} onClose={() => setCancelling(false)} />
      ) : null}
    </Page>
  )
}

function Parts({ run }: { run: ShownPipelineDetail }) {
  const view: PipelineView = useSearch({ from: '/pipelines/$run' })
  const navigate = useNavigate()
  const { data: graph } = useQuery(pipelineGraphQuery(run.id, run.stages.length))
  const chosen = view.stage ?? chosenFirst(run)
  const stage = run.stages.find((each) => each.stage === chosen)
  const choose = (name: string) =>
    void navigate({
      to: '/pipelines/$run',
      params: { run: run.id },
      search: { stage: name },
      replace: true,
      resetScroll: false,
    })
  return (
    <>
      {run.reason === null ? null : (
        <p
          className={`rounded-lg px-4 py-3 text-sm wrap-anywhere ${run.state === 'failed' ? 'bg-bad-tint text-bad' : 'bg-sunken text-ink-2'}`}
        >
          {run.reason}
        </p>
      )}
      <Approvals run={run} />
      <Card id="about" title="What was asked" Icon={FileText}>
        <About run={run} />
      </Card>
      <Card
        id="graph"
        title="Graph"
        Icon={Workflow}
        aside={<span className="text-xs text-ink-3">{counted(run.stages.length, 'stage')}</span>}
      >
        <div className="min-h-40">
          {graph === undefined || graph.stages.length === 0 ? (
            <p className="text-sm text-ink-3">It is drawn when its stages are known.</p>
          ) : (
            <Suspense fallback={<p className="text-sm text-ink-3">Drawing…</p>}>
              <Graph graph={graph} stages={run.stages} chosen={chosen} onChoose={choose} />
            </Suspense>
          )}
          {graph?.problems.map((words) => (
            <p key={words} className="pt-2 text-xs wrap-anywhere text-ink-3">
              {words}
            </p>
          ))}
        </div>
      </Card>
      <Card id="timeline" title="Stages" Icon={ChartGantt}>
        <Timeline run={run} chosen={chosen} onChoose={choose} />
      </Card>
      {stage === undefined ? null : <StageDetail key={stage.stage} run={run.id} stage={stage} />}
      {run.kind === 'asked' ? (
        <Card id="code" title="The same by command" Icon={Terminal}>
          <div className="flex flex-col gap-2">
            <Command text={`orrery run show ${run.id}`} />
            <Command text={`orrery run logs ${run.id} -f`} />
          </div>
        </Card>
      ) : null}
    </>
  )
}

/** What somebody who comes wants to see: what failed, else what runs or waits, else the last that ran. */
function chosenFirst({ stages }: ShownPipelineDetail): string | undefined {
  const first = ['failed', 'waiting', 'running']
    .map((state) => stages.find((each) => each.state === state))
    .find((each) => each !== undefined)
  return (first ?? stages.findLast(({ run }) => run !== null) ?? stages[0])?.stage
}

function About({ run }: { run: ShownPipelineDetail }) {
  const variables = Object.entries(run.request?.variables ?? {})
  return (
    <Facts>
      <FactRow name="Project">{run.project}</FactRow>
      <FactRow name="Revision">
        <Revision run={run} />
      </FactRow>
      <FactRow name="Asked by">
        <AskedBy run={run} />, <Ago time={run.asked} />
      </FactRow>
      {run.targets.length === 0 ? null : (
        <FactRow name="Stages">{run.targets.slice(0, 50).join(', ')}</FactRow>
      )}
      {run.overrides.length === 0 ? null : (
        <FactRow name="Parameters">
          <code className="text-xs">{run.overrides.slice(0, 50).join(' ')}</code>
        </FactRow>
      )}
      {variables.length === 0 ? null : (
        <FactRow name="Variables">
          <code className="text-xs">
            {variables.map(([name, value]) => `${name}=${value.slice(0, 200)}`).join(' ')}
          </code>
        </FactRow>
      )}
      <FactRow name="Took">
        <Took run={run} />
      </FactRow>
      {run.request?.lockBranch == null ? null : (
        <FactRow name="Lock on branch">
          <code className="text-xs">{run.request.lockBranch}</code>
        </FactRow>
      )}
      {run.request?.lane == null ? null : <FactRow name="Lane">{run.request.lane}</FactRow>}
      {(run.request?.pipelineRuns.length ?? 0) > 1 ? (
        <FactRow name="Begun">{run.request?.pipelineRuns.length} times</FactRow>
      ) : null}
    </Facts>
  )
}
