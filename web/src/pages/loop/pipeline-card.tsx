import { Link } from '@tanstack/react-router'
import { Workflow } from 'lucide-react'
import type { OverviewWire, PipelineRunWire, StageWire } from '#protocols/api/overview-wire'
import { Card, Section } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { count, duration, score, shortened } from '#web/ui/format.ts'
import { Ago, useNow } from '#web/ui/now.tsx'
import { LINK } from '#web/ui/page.tsx'
import { RunLink } from '#web/ui/run-link.tsx'
import { StatePill, type State } from '#web/ui/state.tsx'
import { spanMs } from './stations.ts'

const STAGE_STATE: Readonly<Record<StageWire['state'], State>> = {
  waiting: 'none',
  running: 'busy',
  succeeded: 'good',
  skipped: 'none',
  failed: 'bad',
  killed: 'warning',
}

const RUN_STATE: Readonly<Record<PipelineRunWire['state'], State>> = {
  running: 'busy',
  succeeded: 'good',
  failed: 'bad',
  killed: 'warning',
}

export function PipelineCard({
  overview,
  className,
}: {
  overview: OverviewWire
  className: string
}) {
  const [last] = overview.pipelineRuns
  return (
    <Card
      id="pipeline"
      title="Pipeline"
      Icon={Workflow}
      className={className}
      aside={
        last === undefined ? null : (
          <StatePill state={RUN_STATE[last.state]}>{last.state}</StatePill>
        )
      }
    >
      {last === undefined ? (
        <Empty
          why="No pipeline has run. Describe its stages in dvc.yaml, then reproduce them."
          commands={['orrery repro']}
        />
      ) : (
        <LastPipelineRun last={last} />
      )}
      <LastRun overview={overview} />
    </Card>
  )
}

function LastPipelineRun({ last }: { last: PipelineRunWire }) {
  const now = useNow()
  const spent =
    last.ended === null ? now - Date.parse(last.started) : spanMs(last.started, last.ended)
  return (
    <>
      <p className="text-[0.8125rem] text-ink-3">
        {[
          last.branch === null ? '' : `branch ${last.branch}`,
          last.commit === null ? '' : `commit ${shortened(last.commit)}`,
          `${last.ended === null ? 'for' : 'took'} ${duration(Math.max(0, spent))}`,
        ]
          .filter(Boolean)
          .join(' · ')}
        {' · '}
        <Ago time={last.ended ?? last.started} />
        {' · '}
        <Link to="/pipelines/$run" params={{ run: last.pipelineRun }} search={{}} className={LINK}>
          the run
        </Link>
        {' · '}
        <Link to="/pipelines" search={{}} className={LINK}>
          all runs
        </Link>
      </p>
      {last.reason === null ? null : <p className="text-[0.8125rem] text-ink-2">{last.reason}</p>}
      <ol className="flex flex-col">
        {last.stages.map((stage) => (
          <Stage key={stage.stage} stage={stage} />
        ))}
      </ol>
    </>
  )
}

function Stage({ stage }: { stage: StageWire }) {
  const spent =
    stage.started === null || stage.ended === null ? null : spanMs(stage.started, stage.ended)
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1 border-t border-line py-2 first:border-t-0 last:pb-0">
      <span className="font-medium">{stage.stage}</span>
      <span className="flex items-center gap-3 text-[0.8125rem] text-ink-3 tabular-nums">
        {spent === null ? null : duration(spent)}
        <StatePill state={STAGE_STATE[stage.state]}>{stage.state}</StatePill>
      </span>
      {stage.reason === null || stage.reason === '' ? null : (
        <span className="w-full text-xs text-ink-3">{stage.reason}</span>
      )}
    </li>
  )
}

/** The newest tracked run with what it measured. */
function LastRun({ overview }: { overview: OverviewWire }) {
  const stage = overview.pipelineRuns[0]?.stages.findLast(
    ({ metrics }) => Object.keys(metrics).length > 0,
  )
  const run = stage?.run ?? overview.run?.run
  const metrics = Object.entries(stage?.metrics ?? overview.run?.metrics ?? {}).slice(0, 6)
  return (
    <Section id="run" title="Newest run">
      {run === undefined ? (
        <Empty
          why="No run has been tracked. Any mlflow client logs here."
          commands={[`export MLFLOW_TRACKING_URI=${location.origin}`]}
        />
      ) : (
        <>
          <p className="text-[0.8125rem] text-ink-3">
            {stage === undefined ? 'run' : `stage ${stage.stage} · run`} <RunLink run={run} />
          </p>
          <dl className="flex flex-wrap gap-x-6 gap-y-2">
            {metrics.map(([name, value]) => (
              <div key={name} className="flex flex-col">
                <dt className="text-xs text-ink-3">{name}</dt>
                <dd className="font-medium tabular-nums">
                  {Number.isInteger(value) ? count(value) : score(value)}
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </Section>
  )
}
