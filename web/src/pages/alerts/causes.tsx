import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { BookOpen, Columns3, GitBranch, Layers, type LucideIcon } from 'lucide-react'
import type { TroubleShown } from '#protocols/api/alerting-wire'
import type { CausesWire, ExplainedAlert } from '#protocols/api/monitoring-wire'
import { explainedQuery } from '#web/api/alerting.ts'
import { EntryLink } from '#web/ui/entry-link.tsx'
import { counted, day, percent } from '#web/ui/format.ts'
import { LINK, Trouble } from '#web/ui/page.tsx'

const KINDS: Readonly<Record<string, { Icon: LucideIcon; words: string }>> = {
  column: { Icon: Columns3, words: 'Column' },
  segment: { Icon: Layers, words: 'Rows' },
  relation: { Icon: GitBranch, words: 'Relation' },
  event: { Icon: BookOpen, words: 'Event' },
}

/** Why an alert was raised, with the way to the window and to what happened. */
export function CausesOf({ alert }: { alert: TroubleShown }) {
  const { data: explained, error } = useQuery(explainedQuery(alert))
  if (error !== null) return <Trouble error={error} />
  if (explained === undefined) return <p className="text-sm text-ink-3">Asking the server…</p>
  if (explained === null)
    return <p className="text-sm text-ink-2">The detail above is the cause.</p>
  const { causes } = explained
  return (
    <div className="flex flex-col gap-3 rounded-lg bg-sunken p-4 text-sm">
      <p className="flex flex-wrap gap-x-4 gap-y-1">
        <WindowLink explained={explained} />
        <a href={`/api/v1/alerts/${encodeURIComponent(alert.id)}`} className={LINK}>
          as JSON
        </a>
      </p>
      {causes === null ? (
        <p className="text-ink-2">Its causes are looked for when the next window is judged.</p>
      ) : (
        <Causes explained={explained} causes={causes} />
      )}
    </div>
  )
}

function WindowLink({ explained }: { explained: ExplainedAlert }) {
  const { endpoint, raisedWindow } = explained
  const feature = explained.kind === 'quality' && explained.subject !== '' ? explained.subject : ''
  return (
    <Link
      to="/endpoints/$endpoint/monitoring"
      params={{ endpoint }}
      search={{ window: raisedWindow, ...(feature === '' ? {} : { feature }) }}
      className={LINK}
    >
      the window that raised it
    </Link>
  )
}

function Causes({ explained, causes }: { explained: ExplainedAlert; causes: CausesWire }) {
  const { before, since, change, ranked, notes } = causes
  return (
    <>
      <p className="text-ink-2">
        {counted(since.predictions, 'prediction')} from {day(since.from)} on
        {before === null
          ? ''
          : ` were compared with ${counted(before.predictions, 'prediction')} from ${day(before.from)} on, when all was calm`}
        .
        {change === null
          ? ''
          : ` The mean ${change.of} changed by ${Number(change.by.toPrecision(3))}.`}
      </p>
      {ranked.length === 0 ? (
        <p className="text-ink-2">Nothing stands out.</p>
      ) : (
        <ol aria-label="Causes, the first is the likeliest" className="flex flex-col gap-3">
          {ranked.map((cause) => (
            <CauseLine
              key={`${cause.kind} ${cause.subject} ${cause.position ?? ''}`}
              cause={cause}
              explained={explained}
            />
          ))}
        </ol>
      )}
      {notes.map((note) => (
        <p key={note} className="text-ink-3">
          {note}
        </p>
      ))}
    </>
  )
}

function CauseLine({
  cause,
  explained,
}: {
  cause: CausesWire['ranked'][number]
  explained: ExplainedAlert
}) {
  const { kind, subject, share, detail, position } = cause
  const { Icon, words } = KINDS[kind] ?? { Icon: Columns3, words: kind }
  return (
    <li className="flex gap-3">
      <Icon aria-hidden size={16} strokeWidth={1.75} className="mt-0.5 shrink-0 text-ink-3" />
      <div className="flex min-w-0 flex-1 flex-col gap-1">
        <p className="flex flex-wrap items-baseline gap-x-3 font-medium wrap-anywhere">
          <span>
            <span className="text-ink-3">{words}</span>{' '}
            {kind === 'column' ? (
              <Link
                to="/endpoints/$endpoint/monitoring"
                params={{ endpoint: explained.endpoint }}
                search={{ window: explained.raisedWindow, feature: subject }}
                className={LINK}
              >
                {subject}
              </Link>
            ) : (
              subject
            )}
          </span>
          {share === null ? null : <Share share={share} />}
          {position === undefined ? null : <EntryLink entry={position}>entry {position}</EntryLink>}
        </p>
        <p className="wrap-anywhere text-ink-2">{detail}</p>
      </div>
    </li>
  )
}

function Share({ share }: { share: number }) {
  return (
    <span className="flex items-center gap-2 font-normal">
      <span aria-hidden className="flex h-2 w-20 rounded-sm bg-line">
        <span
          className="rounded-sm bg-chart-drift-over"
          style={{ width: `${Math.min(100, share * 100)}%` }}
        />
      </span>
      {percent(share)} of the change
    </span>
  )
}
