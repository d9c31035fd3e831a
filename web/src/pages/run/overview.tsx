import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import {
  Boxes,
  Cpu,
  FileStack,
  Info,
  ListTree,
  SlidersHorizontal,
  Tag,
  TrendingUp,
} from 'lucide-react'
import type { TreeWire } from '#protocols/api/runs-wire'
import { isLive, registeredQuery, type RunWire } from '#web/api/run.ts'
import { Card, FactRow, Facts } from '#web/ui/card.tsx'
import { CopyButton } from '#web/ui/copy-button.tsx'
import { counted, duration } from '#web/ui/format.ts'
import { Moment, useNow } from '#web/ui/now.tsx'
import { LINK } from '#web/ui/page.tsx'
import { RunState } from '#web/ui/run-state.tsx'
import { Artifacts } from './artifacts.tsx'
import { Datasets, Models } from './inputs.tsx'
import { Metrics } from './metrics.tsx'
import { Pairs } from './pairs.tsx'
import { Plots } from './plots.tsx'

/** What the run was given, what it measured, and what it left. */
export function Overview({ run, family }: { run: RunWire; family: TreeWire | undefined }) {
  const { metrics = [], params = [], tags = [] } = run.data
  const note = tags.find(({ key }) => key === 'mlflow.note.content')?.value
  const own = tags.filter(({ key }) => !key.startsWith('mlflow.'))
  const system = metrics.filter(({ key }) => key.startsWith('system/'))
  const measured = metrics.filter(({ key }) => !key.startsWith('system/'))
  const live = isLive(run)
  const models = [...new Set((run.outputs?.model_outputs ?? []).map(({ model_id }) => model_id))]
  return (
    <div className="flex flex-col gap-4">
      {note === undefined || note === '' ? null : (
        <p className="max-w-prose whitespace-pre-wrap text-ink-2">{note}</p>
      )}
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-12">
        <div className="flex min-w-0 flex-col gap-4 lg:col-span-5">
          <Card id="about" title="About" Icon={Info}>
            <About run={run} />
          </Card>
          <Card id="params" title="Parameters" Icon={SlidersHorizontal}>
            <Pairs pairs={params} noun="parameter" none="It was given no parameter." />
          </Card>
          <Card id="tags" title="Tags" Icon={Tag}>
            <Pairs pairs={own} noun="tag" none="It has no tag." />
          </Card>
        </div>
        <div className="flex min-w-0 flex-col gap-4 lg:col-span-7">
          <Card id="metrics" title="Metrics" Icon={TrendingUp}>
            <Metrics
              run={run}
              metrics={measured}
              live={live}
              none="It has logged no metric. mlflow.log_metric(name, value, step=…) logs one."
            />
          </Card>
          <Card id="models" title="Models" Icon={Boxes}>
            <Models runId={run.info.run_id} outputs={models} />
          </Card>
          <Card id="datasets" title="Datasets" Icon={FileStack}>
            <Datasets datasets={run.inputs?.dataset_inputs ?? []} />
          </Card>
          {system.length === 0 ? null : (
            <Card id="system" title="System" Icon={Cpu}>
              <Metrics run={run} metrics={system} live={live} none="" />
            </Card>
          )}
        </div>
      </div>
      <Plots />
      <Below family={family} />
      <Artifacts models={models} live={live} />
    </div>
  )
}

function About({ run }: { run: RunWire }) {
  const { info } = run
  const tags = new Map(run.data.tags?.map(({ key, value }) => [key, value]))
  const registered = useQuery(registeredQuery(info.run_id))
  const commit = tags.get('mlflow.source.git.commit')
  return (
    <Facts>
      <FactRow name="State">
        <RunState status={info.status} />
      </FactRow>
      {info.start_time === undefined ? null : (
        <FactRow name="Begun">
          <Moment time={info.start_time} />
        </FactRow>
      )}
      <FactRow name="Took">
        <Took info={info} />
      </FactRow>
      <FactRow name="By">{info.user_id || tags.get('mlflow.user') || '–'}</FactRow>
      {tags.get('mlflow.source.name') === undefined ? null : (
        <FactRow name="Source">{tags.get('mlflow.source.name')}</FactRow>
      )}
      {commit === undefined ? null : (
        <FactRow name="Commit">
          <code className="text-xs">{commit.slice(0, 12)}</code>
        </FactRow>
      )}
      <FactRow name="Registered as">
        {registered.data === undefined || registered.data.length === 0
          ? '–'
          : registered.data.map(({ name, version }) => (
              <span key={`${name} ${version}`} className="block">
                <Link to="/models/$model" params={{ model: name }} search={{}} className={LINK}>
                  {name} v{version}
                </Link>
              </span>
            ))}
      </FactRow>
      <FactRow name="Id">
        <span className="inline-flex items-center gap-1">
          <code className="text-xs">{info.run_id}</code>
          <CopyButton text={info.run_id} of="the identifier of the run" />
        </span>
      </FactRow>
    </Facts>
  )
}

function Took({ info: { start_time, end_time } }: Pick<RunWire, 'info'>) {
  const now = useNow()
  if (start_time === undefined) return '–'
  if (end_time !== undefined) return duration(Math.max(0, end_time - start_time))
  return `${duration(Math.max(0, now - start_time))} so far`
}

/** The runs right below it. */
function Below({ family }: { family: TreeWire | undefined }) {
  const [self, ...children] = family?.nodes ?? []
  if (self === undefined || children.length === 0) return null
  const more = self.children - children.length
  return (
    <Card id="children" title={counted(self.children, 'run') + ' below it'} Icon={ListTree}>
      <ul className="grid grid-cols-1 gap-x-6 gap-y-1 sm:grid-cols-2 lg:grid-cols-3">
        {children.map(({ runId, values: [name, status] }) => (
          <li key={runId} className="flex min-w-0 items-center justify-between gap-2 text-sm">
            <Link
              data-row=""
              to="/runs/$run"
              params={{ run: runId }}
              search={{}}
              className={`${LINK} truncate`}
            >
              {name ?? runId}
            </Link>
            <RunState status={String(status ?? '')} />
          </li>
        ))}
      </ul>
      {more > 0 ? <p className="text-xs text-ink-3">and {more} more</p> : null}
    </Card>
  )
}
