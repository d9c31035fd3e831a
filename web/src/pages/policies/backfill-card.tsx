import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { CalendarDays } from 'lucide-react'
import { useState } from 'react'
import type { BackfillDateWire, BackfillWire } from '#protocols/api/backfill-wire'
import {
  backfillDatesQuery,
  backfillQuery,
  cancelBackfill,
  resumeBackfill,
} from '#web/api/policies.ts'
import { Card } from '#web/ui/card.tsx'
import { count, shortened } from '#web/ui/format.ts'
import { Moment } from '#web/ui/now.tsx'
import { Trouble, Waiting } from '#web/ui/page.tsx'
import { Confirm, Field } from '#web/ui/confirm.tsx'
import { PipelineLink, Standing } from './parts.tsx'
import { dayIn, progress } from './progress.ts'
import type { BackfillsView } from './view.ts'
import { STANDS } from './words.ts'

const STATES = ['waiting', 'running', 'succeeded', 'failed', 'cancelled'] as const
const HEAD = 'px-3 py-2 text-left text-xs font-medium whitespace-nowrap text-ink-3'
const CELL = 'border-t border-line px-3 py-2 align-top'

/** One backfill with its dates. */
export function BackfillCard({ id }: { id: string }) {
  const { data, error } = useQuery(backfillQuery(id))
  return (
    <Card
      id="backfill"
      title={data === undefined ? 'Backfill' : `Backfill of ${data.project}`}
      Icon={CalendarDays}
      aside={data === undefined ? null : <Standing word={data.state} />}
    >
      <Trouble error={error} />
      {data === undefined && error === null ? <Waiting>Asking the server…</Waiting> : null}
      {data === undefined ? null : (
        <>
          <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 text-sm">
            <p className="min-w-0 grow basis-64 wrap-anywhere text-ink-2">
              {data.targets.length === 0 ? 'All stages' : data.targets.join(', ')} from{' '}
              {dayIn(data.from)} to {dayIn(data.to)} (UTC), every {data.every}, {data.parallel} at
              once, at commit <span title={data.commit}>{shortened(data.commit)}</span>
              {data.set.length === 0 ? '' : ` with ${data.set.join(' ')}`}. Asked for{' '}
              <Moment time={data.created} />. {progress(data.counts)} succeeded.
            </p>
            <Ends backfill={data} />
          </div>
          <Dates backfill={data} />
        </>
      )}
    </Card>
  )
}

function Ends({ backfill }: { backfill: BackfillWire }) {
  const [isAsking, setAsking] = useState<'cancel' | 'resume'>()
  const [reason, setReason] = useState('')
  const client = useQueryClient()
  const { id, state, counts } = backfill
  const act = useMutation({
    mutationFn: () => (isAsking === 'cancel' ? cancelBackfill(id, reason) : resumeBackfill(id)),
    onSuccess: async () => {
      setAsking(undefined)
      await Promise.all(
        ['backfill', 'backfills', 'backfill-dates'].map((key) =>
          client.invalidateQueries({ queryKey: [key] }),
        ),
      )
    },
  })
  const again = counts.failed + counts.cancelled
  return (
    <div className="flex gap-2">
      {state === 'running' ? (
        <button type="button" className="button" onClick={() => setAsking('cancel')}>
          Cancel the backfill
        </button>
      ) : null}
      {again > 0 ? (
        <button type="button" className="button" onClick={() => setAsking('resume')}>
          Run {count(again)} again
        </button>
      ) : null}
      {isAsking === undefined ? null : (
        <Confirm
          title={isAsking === 'cancel' ? 'Cancel the backfill?' : 'Resume the backfill?'}
          does={isAsking === 'cancel' ? 'End it' : 'Run them again'}
          isPending={act.isPending}
          error={act.error}
          onDo={() => act.mutate()}
          onClose={() => setAsking(undefined)}
        >
          <p className="text-sm text-ink-2">
            {isAsking === 'cancel'
              ? `${count(counts.running)} that run are ended with their processes, and ${count(counts.waiting)} that wait are not begun. It can be resumed.`
              : `${count(again)} dates that failed or were cancelled are run again; those that succeeded are not.`}
          </p>
          {isAsking === 'cancel' ? (
            <Field name="Why, for the ledger" value={reason} onChange={setReason} />
          ) : null}
        </Confirm>
      )}
    </div>
  )
}

function Dates({ backfill: { id, counts } }: { backfill: BackfillWire }) {
  const { state }: BackfillsView = useSearch({ from: '/policies/backfills' })
  const navigate = useNavigate()
  const { data, error, hasNextPage, fetchNextPage } = useInfiniteQuery(
    backfillDatesQuery(
      id,
      STATES.find((each) => each === state),
    ),
  )
  const dates = data?.pages.flatMap((page) => page.dates)
  return (
    <>
      <select
        aria-label="State"
        data-filter=""
        className="field w-auto self-start"
        value={state ?? ''}
        onChange={({ target }) =>
          void navigate({
            to: '/policies/backfills',
            search: { backfill: id, state: target.value || undefined },
            replace: true,
            resetScroll: false,
          })
        }
      >
        <option value="">All dates</option>
        {STATES.map((each) => (
          <option key={each} value={each}>
            {STANDS[each]?.[1]} ({count(counts[each])})
          </option>
        ))}
      </select>
      <Trouble error={error} />
      {dates === undefined ? null : dates.length === 0 ? (
        <p className="text-sm text-ink-2">No date stands like that.</p>
      ) : (
        <DateTable dates={dates} />
      )}
      {hasNextPage ? (
        <button type="button" className="button self-start" onClick={() => void fetchNextPage()}>
          Later dates
        </button>
      ) : null}
    </>
  )
}

function DateTable({ dates }: { dates: readonly BackfillDateWire[] }) {
  return (
    <section
      aria-label="Dates"
      // What scrolls has to be reached by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="max-h-[28rem] overflow-auto"
    >
      <table className="w-full text-[0.8125rem]">
        <thead>
          <tr>
            {['Date (UTC)', 'State', 'Tries', 'Run', 'Why'].map((name) => (
              <th key={name} scope="col" className={HEAD}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {dates.map(({ number, start, end, state, tries, request, reason }) => (
            <tr key={number}>
              <td
                className={`${CELL} whitespace-nowrap tabular-nums`}
                title={`until ${dayIn(end)}`}
              >
                {dayIn(start)}
              </td>
              <td className={CELL}>
                <Standing word={state} />
              </td>
              <td className={`${CELL} tabular-nums`}>{tries}</td>
              <td className={CELL}>
                {request === null ? '–' : <PipelineLink run={request}>run {tries}</PipelineLink>}
              </td>
              <td className={`${CELL} min-w-40 wrap-anywhere text-ink-2`}>{reason ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
