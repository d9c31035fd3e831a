import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { projectNamesQuery } from '#web/api/data.ts'
import { planBackfill, startBackfill, type BackfillAsked } from '#web/api/policies.ts'
import { Card } from '#web/ui/card.tsx'
import { counted, shortened } from '#web/ui/format.ts'
import { Confirm, Field } from '#web/ui/confirm.tsx'
import { dayIn } from './progress.ts'

const EMPTY = { project: '', targets: '', from: '', to: '', every: '1d', parallel: '1', set: '' }

/** A form for a new backfill: what it would run is shown before it runs. */
export function AskBackfill() {
  const [written, setWritten] = useState(EMPTY)
  const { data: projects = [] } = useQuery(projectNamesQuery)
  const project = written.project === '' ? (projects[0] ?? '') : written.project
  const order = orderOf({ ...written, project })
  const plan = useMutation({ mutationFn: () => planBackfill(order) })
  const field = (name: keyof typeof EMPTY) => ({
    value: written[name],
    onChange: (value: string) => setWritten({ ...written, [name]: value }),
  })
  return (
    <Card id="ask" title="Ask for a backfill" Icon={Plus}>
      <form
        className="grid gap-3 sm:grid-cols-2 lg:grid-cols-4"
        onSubmit={(event) => {
          event.preventDefault()
          plan.mutate()
        }}
      >
        <label className="flex min-w-0 flex-col gap-1 text-xs text-ink-3">
          Project
          <select
            className="field"
            value={project}
            onChange={({ target }) => setWritten({ ...written, project: target.value })}
          >
            {projects.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <Field name="Stages; all without" placeholder="train" {...field('targets')} />
        <Field name="From" required placeholder="2026-01-01" {...field('from')} />
        <Field name="To, included" required placeholder="2026-01-31" {...field('to')} />
        <Field name="Every: 15m, 1h, 1d, 1w, 1mo, 1y" required {...field('every')} />
        <Field name="At once" required {...field('parallel')} />
        <Field
          name="Parameters, with {date}, {start}, {end}"
          placeholder="train.day={date}"
          {...field('set')}
        />
        <button
          type="submit"
          disabled={plan.isPending || project === ''}
          className="button self-end justify-self-start"
        >
          Show what would run
        </button>
      </form>
      {plan.error === null ? null : (
        <p role="alert" className="text-sm wrap-anywhere text-bad">
          {plan.error.message}
        </p>
      )}
      {plan.data === undefined ? null : (
        <Begin
          order={order}
          plan={plan.data}
          onBegun={() => setWritten(EMPTY)}
          onClose={() => plan.reset()}
        />
      )}
    </Card>
  )
}

/** Shows what would run, and begins it. */
function Begin(parts: {
  order: BackfillAsked
  plan: Awaited<ReturnType<typeof planBackfill>>
  onBegun: () => void
  onClose: () => void
}) {
  const { order, plan, onBegun, onClose } = parts
  const client = useQueryClient()
  const navigate = useNavigate()
  const start = useMutation({
    mutationFn: () => startBackfill(order),
    onSuccess: async ({ id }) => {
      onBegun()
      onClose()
      await client.invalidateQueries({ queryKey: ['backfills'] })
      await navigate({ to: '/policies/backfills', search: { backfill: id } })
    },
  })
  return (
    <Confirm
      title={`Run ${order.project} for ${counted(plan.count, 'date')}?`}
      does="Begin"
      isPending={start.isPending}
      error={start.error}
      onDo={() => start.mutate()}
      onClose={onClose}
    >
      <p className="text-sm text-ink-2">
        {counted(plan.count, 'run')} at commit {shortened(plan.commit)}, {order.parallel} at once,
        from {firstOf(plan.dates)} to {lastOf(plan)}.
        {plan.force
          ? ' Nothing that is set tells the date, so stages run although they are up to date.'
          : ''}
      </p>
    </Confirm>
  )
}

function firstOf(dates: readonly { start: string }[]): string {
  return dayIn(dates[0]?.start ?? '')
}

/** The last that is shown; of very many the server names the first thousand. */
function lastOf({ dates, count }: { dates: readonly { start: string }[]; count: number }): string {
  const last = dayIn(dates.at(-1)?.start ?? '')
  return count > dates.length ? `${last} and beyond` : last
}

function orderOf(written: typeof EMPTY): BackfillAsked {
  const { targets, set, parallel, ...rest } = written
  return {
    ...rest,
    parallel: Number(parallel),
    targets: targets.split(/[\s,]+/).filter(Boolean),
    set: set.split(/\s+/).filter(Boolean),
  }
}
