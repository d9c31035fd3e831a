import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { History } from 'lucide-react'
import type { PolicyShown } from '#protocols/api/policy-wire'
import { projectNamesQuery } from '#web/api/data.ts'
import { policiesQuery } from '#web/api/policies.ts'
import { Card } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { Ago } from '#web/ui/now.tsx'
import { LINK, Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { StatePill } from '#web/ui/state.tsx'
import { Decisions } from './decisions.tsx'
import { PoliciesTabs, Standing } from './parts.tsx'
import { BudgetLeft, NextTick, Rests } from './standing.tsx'
import type { PoliciesView } from './view.ts'
import { awaited } from './words.ts'

/** Every policy: what it waits for, when it is due, and what it decided lately. */
export function PoliciesPage() {
  const view: PoliciesView = useSearch({ from: '/policies' })
  const { data, error, isPlaceholderData } = useQuery(policiesQuery(view))
  const isWhole = Object.values(view).every((each) => each === undefined)
  return (
    <Page
      title="Policies"
      lead="What runs pipelines by itself: what each policy waits for, and what it decided about it."
    >
      <PoliciesTabs />
      <Filters view={view} />
      <Trouble error={error} />
      {data === undefined && error === null ? <Waiting>Asking the server…</Waiting> : null}
      {data?.policies.length === 0 ? isWhole ? <FirstPolicy /> : <NoneFound view={view} /> : null}
      {data === undefined || data.policies.length === 0 ? null : (
        <ul aria-label="Policies" className="grid gap-4 lg:grid-cols-2">
          {data.policies.map((policy) => (
            <PolicyCard key={`${policy.project}/${policy.name}`} policy={policy} />
          ))}
        </ul>
      )}
      {data === undefined || (data.next === null && view.after === undefined) ? null : (
        <div className="flex min-h-8 gap-2">
          {view.after === undefined ? null : (
            <Link to="/policies" search={{ ...view, after: undefined }} className="button">
              First page
            </Link>
          )}
          {data.next === null || isPlaceholderData ? null : (
            <Link to="/policies" search={{ ...view, after: data.next }} className="button">
              Next page
            </Link>
          )}
        </div>
      )}
      {data === undefined ? null : (
        <Card id="decisions" title="Decided lately" Icon={History}>
          <Decisions
            of={view.project === undefined ? {} : { project: view.project }}
            names="with"
          />
        </Card>
      )}
    </Page>
  )
}

function Filters({ view }: { view: PoliciesView }) {
  const navigate = useNavigate()
  const { data: projects = [] } = useQuery(projectNamesQuery)
  const { project, endpoint } = view
  const all = [...new Set([...projects, ...(project === undefined ? [] : [project])])]
  return (
    <search className="flex flex-wrap gap-2">
      <select
        aria-label="Project"
        data-filter=""
        className="field w-auto"
        value={project ?? ''}
        onChange={({ target }) =>
          void navigate({
            to: '/policies',
            search: { ...view, after: undefined, project: target.value || undefined },
            replace: true,
          })
        }
      >
        <option value="">All projects</option>
        {all.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {endpoint === undefined ? null : (
        <Link to="/policies" search={{ ...view, endpoint: undefined }} className="button">
          Only those that watch {endpoint}: show all
        </Link>
      )}
    </search>
  )
}

function FirstPolicy() {
  return (
    <Empty
      why="No project has a policy. A policy in orrery.yaml says what sets a pipeline off: a schedule, new data, a push, drift."
      commands={['orrery project sync NAME', 'orrery policies test PROJECT/POLICY']}
    />
  )
}

function NoneFound({ view: { endpoint } }: { view: PoliciesView }) {
  return (
    <p className="text-ink-2">
      {endpoint === undefined
        ? 'There is no policy here.'
        : `No policy waits for findings at ${endpoint}: what is found there is told, and nothing follows.`}
    </p>
  )
}

function PolicyCard({ policy }: { policy: PolicyShown }) {
  const { project, name, triggers, run, last } = policy
  return (
    <li className="flex min-w-0 flex-col gap-3 rounded-xl border border-line bg-surface p-4 sm:p-5">
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
        <h2 className="text-sm font-semibold wrap-anywhere">
          <Link
            data-row=""
            to="/policies/$project/$policy"
            params={{ project, policy: name }}
            search={{}}
            className={LINK}
          >
            {project}/{name}
          </Link>
        </h2>
        <Switched policy={policy} />
      </div>
      <div className="text-sm">
        <p className="text-ink-2">
          Runs <span className="font-mono text-xs text-ink">{run}</span> and waits for
        </p>
        <ul className="list-disc pl-5">
          {triggers.map((trigger) => (
            <li key={awaited(trigger)} className="wrap-anywhere">
              {awaited(trigger)}
            </li>
          ))}
        </ul>
      </div>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-[0.8125rem]">
        <dt className="text-ink-3">Next tick</dt>
        <dd>
          <NextTick policy={policy} />
        </dd>
        <dt className="text-ink-3">Budget</dt>
        <dd>
          <BudgetLeft policy={policy} />
        </dd>
        <dt className="text-ink-3">Rests</dt>
        <dd>
          <Rests policy={policy} />
        </dd>
        <dt className="text-ink-3">Last run</dt>
        <dd className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
          {last === null ? (
            'none'
          ) : (
            <>
              <Standing word={last.state} />
              <Ago time={last.started} />
              <span className="w-full wrap-anywhere text-ink-2">{last.why}</span>
            </>
          )}
        </dd>
      </dl>
    </li>
  )
}

/** Whether it acts by itself. */
export function Switched({ policy: { enabled } }: { policy: PolicyShown }) {
  return enabled ? (
    <StatePill state="good">on</StatePill>
  ) : (
    <StatePill state="none">switched off</StatePill>
  )
}
