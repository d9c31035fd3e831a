import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Hourglass, ListChecks, History, Play, Telescope, Terminal } from 'lucide-react'
import { useState } from 'react'
import type { PolicyRunShown, PolicyShown } from '#protocols/api/policy-wire'
import { cancelPolicyRun, policyQuery, setOff, type PolicyName } from '#web/api/policies.ts'
import { Card, FactRow, Facts } from '#web/ui/card.tsx'
import { Command } from '#web/ui/command.tsx'
import { Ago } from '#web/ui/now.tsx'
import { LINK, Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { StatePill } from '#web/ui/state.tsx'
import { Confirm, Field } from '#web/ui/confirm.tsx'
import { EntryLink } from '#web/ui/entry-link.tsx'
import { Decisions } from './decisions.tsx'
import { DryRun } from './dry-run.tsx'
import { PipelineLink, pipelineRunOf, Standing } from './parts.tsx'
import { BudgetLeft, NextTick, Rests } from './standing.tsx'
import { awaited } from './words.ts'

/** One policy: how it stands, what it would do, what it decided, and how to set it off. */
export function PolicyPage() {
  const name = useParams({ from: '/policies/$project/$policy' })
  const { data: policy, error } = useQuery(policyQuery(name))
  return (
    <Page
      title={name.policy}
      above={
        <Link to="/policies" search={{}} data-up="" className={LINK}>
          Policies
        </Link>
      }
      beside={
        policy === undefined ? null : policy.enabled ? (
          <StatePill state="good">on</StatePill>
        ) : (
          <StatePill state="none">switched off</StatePill>
        )
      }
      aside={policy === undefined ? null : <SetOff name={name} policy={policy} />}
      lead={
        policy === undefined ? null : (
          <>
            A policy in the orrery.yaml of {name.project}. It runs{' '}
            <span className="font-mono text-[0.8125rem]">{policy.run}</span>
            {policy.then === null ? '' : `, and then: ${policy.then}`}.
          </>
        )
      }
    >
      <Trouble error={error} />
      {policy === undefined && error === null ? <Waiting>Asking the server…</Waiting> : null}
      {policy === undefined ? null : <Parts name={name} policy={policy} />}
    </Page>
  )
}

function Parts({ name, policy }: { name: PolicyName; policy: PolicyShown }) {
  const { open } = policy
  const own = `${name.project}/${name.policy}`
  return (
    <>
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <Standings policy={policy} />
        <Card id="dry-run" title="What would happen" Icon={Telescope}>
          <DryRun name={name} />
        </Card>
      </div>
      {open.length === 0 ? null : (
        <Card id="open" title="Runs and waits now" Icon={Hourglass}>
          <ul className="flex flex-col gap-3">
            {open.map((run) => (
              <OpenRun key={run.id} run={run} />
            ))}
          </ul>
        </Card>
      )}
      <Card id="decisions" title="What it decided" Icon={History}>
        <Decisions of={name} names="without" />
      </Card>
      <Card id="code" title="The same in a terminal" Icon={Terminal}>
        {[
          `orrery policies show ${own}`,
          `orrery policies test ${own}`,
          `orrery trigger ${own}`,
        ].map((text) => (
          <Command key={text} text={text} />
        ))}
      </Card>
    </>
  )
}

function Standings({ policy }: { policy: PolicyShown }) {
  const { concurrency, set, data } = policy
  const { group, limit, whenBusy } = concurrency
  return (
    <Card id="standing" title="What it waits for" Icon={ListChecks}>
      <ul className="list-disc pl-5 text-sm">
        {policy.triggers.map((trigger) => (
          <li key={awaited(trigger)} className="wrap-anywhere">
            {awaited(trigger)}
          </li>
        ))}
      </ul>
      <Facts>
        <FactRow name="Next tick">
          <NextTick policy={policy} />
        </FactRow>
        <FactRow name="Budget">
          <BudgetLeft policy={policy} />
        </FactRow>
        <FactRow name="Rests">
          <Rests policy={policy} />
        </FactRow>
        <FactRow name="At once">
          {limit} in {group}; when busy: {whenBusy.replaceAll('_', ' ')}
        </FactRow>
        {set.length === 0 ? null : (
          <FactRow name="Sets">
            <span className="font-mono text-xs">{set.join(' ')}</span>
          </FactRow>
        )}
        {Object.keys(data).length === 0 ? null : (
          <FactRow name="Only for new">{Object.keys(data).join(', ')}</FactRow>
        )}
      </Facts>
    </Card>
  )
}

function useChanged(): () => Promise<unknown> {
  const client = useQueryClient()
  return () =>
    Promise.all(
      ['policy', 'policies', 'policy-decisions', 'policy-preview'].map((key) =>
        client.invalidateQueries({ queryKey: [key] }),
      ),
    )
}

function OpenRun({ run }: { run: PolicyRunShown }) {
  const [isAsking, setAsking] = useState(false)
  const [reason, setReason] = useState('')
  const changed = useChanged()
  const cancel = useMutation({
    mutationFn: () => cancelPolicyRun(run.id, reason),
    onSuccess: async () => {
      setAsking(false)
      await changed()
    },
  })
  const asked = pipelineRunOf(run)
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 text-sm">
      <div className="flex min-w-0 grow basis-64 flex-col gap-0.5">
        <p className="wrap-anywhere">{run.why}</p>
        <p className="flex flex-wrap items-center gap-x-3 text-[0.8125rem] text-ink-3 [&_a]:inline-flex [&_a]:min-h-6 [&_a]:items-center">
          <Ago time={run.started} />
          <EntryLink entry={run.cause}>entry {run.cause}</EntryLink>
          {asked === null ? null : <PipelineLink run={asked}>the run</PipelineLink>}
        </p>
      </div>
      <Standing word={run.state} />
      <button
        type="button"
        className="button"
        aria-label={`Cancel ${run.id}`}
        onClick={() => setAsking(true)}
      >
        Cancel
      </button>
      {isAsking ? (
        <Confirm
          title={`Cancel ${run.id}?`}
          does={run.state === 'queued' ? 'Cancel it' : 'End it with all its processes'}
          isPending={cancel.isPending}
          error={cancel.error}
          onDo={() => cancel.mutate()}
          onClose={() => setAsking(false)}
        >
          <p className="text-sm text-ink-2">
            {run.state === 'queued'
              ? 'It waits for its turn, and will not run.'
              : 'What it has begun is ended, and nothing is promoted.'}
          </p>
          <Field name="Why, for the ledger" value={reason} onChange={setReason} />
        </Confirm>
      ) : null}
    </li>
  )
}

function SetOff({ name, policy }: { name: PolicyName; policy: PolicyShown }) {
  const [isAsking, setAsking] = useState(false)
  const [reason, setReason] = useState('')
  const [rev, setRev] = useState('')
  const changed = useChanged()
  const trigger = useMutation({
    mutationFn: () => setOff(name, { reason, rev: rev.trim() }),
    onSuccess: async () => {
      setAsking(false)
      setReason('')
      await changed()
    },
  })
  return (
    <div className="flex flex-col items-end gap-1">
      <button type="button" className="button" onClick={() => setAsking(true)}>
        <Play aria-hidden size={14} />
        Trigger now
      </button>
      <output className="max-w-prose text-[0.8125rem] wrap-anywhere text-ink-2">
        {trigger.data === undefined ? '' : trigger.data.why}
      </output>
      {isAsking ? (
        <Confirm
          title={`Trigger ${name.project}/${name.policy}?`}
          does="Trigger"
          isPending={trigger.isPending}
          error={trigger.error}
          onDo={() => trigger.mutate()}
          onClose={() => setAsking(false)}
        >
          <p className="text-sm text-ink-2">
            It runs {policy.run} on the server
            {policy.then === null ? '' : `, and then: ${policy.then}`}. Its budget holds for you
            too: <BudgetLeft policy={policy} />.
          </p>
          <Field name="Why, for the ledger" value={reason} onChange={setReason} />
          <Field
            name="Branch, tag or commit"
            placeholder="the newest commit"
            value={rev}
            onChange={setRev}
          />
        </Confirm>
      ) : null}
    </div>
  )
}
