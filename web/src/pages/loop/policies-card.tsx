import { Link } from '@tanstack/react-router'
import { RefreshCw } from 'lucide-react'
import type { OverviewWire, PolicyRunWire } from '#protocols/api/overview-wire'
import { Card } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { day, spoken } from '#web/ui/format.ts'
import { LINK } from '#web/ui/page.tsx'
import { StatePill } from '#web/ui/state.tsx'
import { POLICY_STATE } from './stations.ts'

const SHOWN = 6

export function PoliciesCard({
  overview: { policyRuns },
  className,
}: {
  overview: OverviewWire
  className: string
}) {
  return (
    <Card
      id="policies"
      title="What the policies did"
      Icon={RefreshCw}
      className={className}
      aside={
        <Link to="/policies" search={{}} className={`${LINK} text-[0.8125rem]`}>
          All policies
        </Link>
      }
    >
      {policyRuns.length === 0 ? (
        <Empty
          why="No policy has fired. A policy in orrery.yaml says which finding retrains which pipeline."
          commands={['orrery policies list']}
        />
      ) : (
        <ol className="flex flex-col">
          {policyRuns.slice(0, SHOWN).map((run) => (
            <PolicyLine key={run.policyRun} run={run} />
          ))}
        </ol>
      )}
    </Card>
  )
}

function PolicyLine({ run }: { run: PolicyRunWire }) {
  return (
    <li className="flex flex-wrap justify-between gap-x-4 gap-y-1 border-t border-line py-3 first:border-t-0 first:pt-0 last:pb-0">
      <p className="min-w-0 grow basis-48">
        <PolicyName run={run} />{' '}
        <span className="text-ink-2">
          retrained
          {run.cause === null ? '' : ` because of ${CAUSE_WORDS[run.cause] ?? spoken(run.cause)}`}
        </span>
      </p>
      <span className="flex items-center gap-2">
        {run.version === null ? null : (
          <span className="text-[0.8125rem] text-ink-2">v{run.version}</span>
        )}
        <StatePill state={POLICY_STATE[run.state]}>{run.state}</StatePill>
      </span>
      <p className="w-full text-[0.8125rem] text-ink-3">
        <time dateTime={run.event ?? run.fired}>{day(run.event ?? run.fired)}</time>
        {run.endpoint === null ? '' : ` · ${run.endpoint}`}
      </p>
      {[run.why, run.reason]
        .filter((words) => words !== null && words !== '')
        .map((words) => (
          <p key={words} className="w-full text-[0.8125rem] text-ink-2">
            {words}
          </p>
        ))}
    </li>
  )
}

function PolicyName({ run: { project, policy } }: { run: PolicyRunWire }) {
  if (project === null) return <span className="font-medium">{policy}</span>
  return (
    <Link
      to="/policies/$project/$policy"
      params={{ project, policy }}
      search={{}}
      className={`${LINK} font-medium`}
    >
      {policy}
    </Link>
  )
}

const CAUSE_WORDS: Readonly<Record<string, string>> = {
  'drift-detected': 'drift',
  'performance-fell': 'falling performance',
}
