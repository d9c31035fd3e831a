import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { History } from 'lucide-react'
import type { EntryWire } from '#protocols/api/ledger-wire'
import { lineageQuery, runEntriesQuery } from '#web/api/run.ts'
import { Card } from '#web/ui/card.tsx'
import { shortened, spoken } from '#web/ui/format.ts'
import { Moment } from '#web/ui/now.tsx'
import { Trouble } from '#web/ui/page.tsx'

/** What the ledger tells of the run, newest first. */
export function Activity({ runId }: { runId: string }) {
  const own = useInfiniteQuery(runEntriesQuery(runId))
  const forward = useQuery(lineageQuery(runId, 'forward'))
  const entries = new Map<number, EntryWire>()
  for (const entry of own.data?.pages.flatMap((page) => page.own) ?? [])
    entries.set(entry.position, entry)
  for (const entry of forward.data?.entries ?? [])
    if (entry.edges.some(({ to }) => to.kind === 'run' && to.id === runId))
      entries.set(entry.position, entry)
  const shown = [...entries.values()].toSorted((a, b) => b.position - a.position)
  return (
    <Card id="activity" title="Activity" Icon={History}>
      <Trouble error={own.error ?? forward.error} />
      <ol className="flex flex-col">
        {shown.map((entry) => (
          <Line key={entry.position} entry={entry} />
        ))}
      </ol>
      {own.data !== undefined && shown.length === 0 && !own.hasNextPage ? (
        <p className="text-sm text-ink-2">
          The ledger tells nothing of it: it was imported, or begun by an older Orrery.
        </p>
      ) : null}
      {own.hasNextPage ? (
        <div className="flex flex-wrap items-center gap-3 text-sm text-ink-2">
          <button
            type="button"
            className="button"
            disabled={own.isFetchingNextPage}
            onClick={() => void own.fetchNextPage()}
          >
            Look further back
          </button>
          Its start lies before the facts that were read.
        </div>
      ) : null}
    </Card>
  )
}

function Line({ entry: { position, at, actor, type, data } }: { entry: EntryWire }) {
  const told = Object.entries(data).filter(
    ([key, value]) => !['run', 'experiment'].includes(key) && typeof value !== 'object',
  )
  return (
    <li className="grid grid-cols-1 gap-x-4 border-t border-line py-2 text-sm first:border-t-0 sm:grid-cols-[11rem_1fr_auto]">
      <span className="text-ink-3">
        <Moment time={at} />
      </span>
      <span className="min-w-0 wrap-anywhere">
        <span className="font-medium">{spoken(type)}</span>{' '}
        <span className="text-ink-3">by {actor.id}</span>
        <span className="block text-xs text-ink-3">
          {told.map(([key, value]) => `${key}: ${brief(String(value))}`).join(' · ')}
        </span>
      </span>
      <a
        href={`/api/v1/ledger/entries/${position}/proof`}
        className="text-xs text-ink-3 underline underline-offset-2 hover:text-ink"
      >
        entry {position}
      </a>
    </li>
  )
}

/** A digest by its beginning: whoever wants all of it opens the entry. */
function brief(text: string): string {
  return /^[0-9a-f]{64}$/.test(text) ? shortened(text) : text
}
